// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/page.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QStackedLayout>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/charts/chart_view.h"

namespace quantscope::ui {

Page::Page(const QString& next_step, QWidget* parent)
    : QWidget(parent),
      next_step_(next_step),
      sentence_(new QLabel),
      empty_(new QLabel(next_step)),
      chart_(new ChartView),
      body_(new QVBoxLayout),
      tools_(new QHBoxLayout),
      content_(new QWidget) {
  sentence_->setWordWrap(true);
  sentence_->setAccessibleName(tr("What the chart shows"));
  sentence_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  QFont larger = font();
  larger.setPointSizeF(larger.pointSizeF() * 1.1);
  sentence_->setFont(larger);
  empty_->setAlignment(Qt::AlignCenter);
  empty_->setWordWrap(true);
  empty_->setMargin(40);

  auto* header = new QHBoxLayout;
  header->addLayout(tools_);
  header->addStretch(1);
  const auto add_button = [&](const QString& text, void (ChartView::*slot)()) {
    auto* button = new QToolButton(this);
    button->setText(text);
    button->setAccessibleName(text);
    connect(button, &QToolButton::clicked, chart_, slot);
    header->addWidget(button);
  };
  add_button(tr("Copy picture"), &ChartView::copy_image);
  add_button(tr("Save picture…"), &ChartView::save_image);
  add_button(tr("Save data…"), &ChartView::save_data);

  auto* content_layout = new QVBoxLayout(content_);
  content_layout->addWidget(sentence_);
  content_layout->addLayout(header);
  content_layout->addLayout(body_, 1);
  body_->addWidget(chart_, 1);
  stack_ = new QStackedLayout(this);
  stack_->addWidget(empty_);
  stack_->addWidget(content_);
}

QString Page::sentence() const { return shows_chart() ? sentence_->text() : empty_->text(); }

bool Page::shows_chart() const { return stack_->currentWidget() == content_; }

void Page::show_chart(ChartData chart, bool keep_view) {
  if (chart.empty()) {
    show_nothing();
    return;
  }
  sentence_->setText(chart.summary);
  chart_->set_chart(std::move(chart), keep_view && shows_chart());
  stack_->setCurrentWidget(content_);
}

void Page::show_nothing(const QString& next_step) {
  empty_->setText(next_step.isEmpty() ? next_step_ : next_step);
  stack_->setCurrentWidget(empty_);
}

}  // namespace quantscope::ui
