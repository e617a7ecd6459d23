// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/glossary_panel.h"

#include <QLineEdit>
#include <QListWidget>
#include <QTextBrowser>
#include <QVBoxLayout>

namespace quantscope::ui {

GlossaryPanel::GlossaryPanel(std::vector<GlossaryTerm> terms, QWidget* parent)
    : QWidget(parent),
      terms_(std::move(terms)),
      filter_(new QLineEdit(this)),
      list_(new QListWidget(this)),
      text_(new QTextBrowser(this)) {
  filter_->setPlaceholderText(tr("Find a term"));
  filter_->setAccessibleName(tr("Find a term"));
  list_->setAccessibleName(tr("Terms"));
  text_->setAccessibleName(tr("Explanation"));
  for (const GlossaryTerm& term : terms_) list_->addItem(term.term);
  auto* layout = new QVBoxLayout(this);
  layout->addWidget(filter_);
  layout->addWidget(list_, 1);
  layout->addWidget(text_, 1);
  connect(filter_, &QLineEdit::textChanged, this, &GlossaryPanel::filter);
  connect(list_, &QListWidget::currentRowChanged, this, &GlossaryPanel::show_term);
  if (terms_.empty())
    text_->setPlainText(tr("The glossary file is missing from the resources folder."));
  else
    list_->setCurrentRow(0);
}

QString GlossaryPanel::shown_term() const {
  return list_->currentItem() == nullptr ? QString() : list_->currentItem()->text();
}

void GlossaryPanel::show_control(const QString& control) {
  for (std::size_t i = 0; i < terms_.size(); ++i)
    if (!control.isEmpty() && terms_[i].control == control) {
      list_->setCurrentRow(static_cast<int>(i));
      return;
    }
}

void GlossaryPanel::show_term(int row) {
  if (row < 0) return;
  const GlossaryTerm& term = terms_[static_cast<std::size_t>(row)];
  text_->setHtml(QStringLiteral("<h3>%1</h3><p><b>%2</b></p><p>%3</p>")
                     .arg(term.term.toHtmlEscaped(), term.brief.toHtmlEscaped(), term.text.toHtmlEscaped()));
}

void GlossaryPanel::filter(const QString& text) {
  for (int row = 0; row < list_->count(); ++row) {
    const GlossaryTerm& term = terms_[static_cast<std::size_t>(row)];
    list_->item(row)->setHidden(!term.term.contains(text, Qt::CaseInsensitive) &&
                                !term.brief.contains(text, Qt::CaseInsensitive));
  }
}

}  // namespace quantscope::ui
