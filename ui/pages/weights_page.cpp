// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/weights_page.h"

#include <QCheckBox>
#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLineEdit>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/charts/chart_view.h"
#include "ui/charts/weight_charts.h"
#include "ui/models/session.h"
#include "ui/models/table_text.h"
#include "ui/models/tensors_model.h"
#include "ui/window/save_file.h"
#include "ui/worker/previews.h"

namespace quantscope::ui {
WeightsPage::WeightsPage(Session& session, Previews& previews, QWidget* parent)
    : Page(tr("Open a checkpoint (Ctrl+O) or drop one on the window to see its weights."), parent),
      session_(session),
      previews_(previews),
      model_(new TensorsModel(this)),
      order_(new TensorsOrder(this)),
      table_(new QTableView(this)),
      filter_(new QLineEdit(this)),
      logarithmic_(new QCheckBox(tr("&Logarithmic counts"), this)) {
  build_table();
  tools()->addWidget(logarithmic_);
  connect(logarithmic_, &QCheckBox::toggled, this, [this] {
    if (preview_ != nullptr) draw(chart()->x_range(), true);
  });
  connect(&session_, &Session::checkpoint_changed, this, &WeightsPage::on_checkpoint);
  connect(&session_, &Session::settings_changed, this, [this] {
    model_->forget_errors();
    request_preview();
  });
  connect(&previews_, &Previews::preview_ready, this, &WeightsPage::on_preview);
  connect(&previews_, &Previews::scanned, this,
          [this](const QString& tensor, const std::shared_ptr<const TensorPreview>& preview) {
            if (tensor != tensor_ || preview_ == nullptr) model_->set_preview(tensor, *preview);
          });
  connect(chart(), &ChartView::x_range_changed, this, &WeightsPage::rebin);
}

void WeightsPage::build_table() {
  order_->setSourceModel(model_);
  table_->setModel(order_);
  table_->setAccessibleName(tr("Tensors"));
  table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_->setSelectionMode(QAbstractItemView::SingleSelection);
  table_->setSortingEnabled(true);
  table_->sortByColumn(-1, Qt::AscendingOrder);
  table_->setAlternatingRowColors(true);
  table_->verticalHeader()->hide();
  table_->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 8);
  table_->setColumnWidth(TensorsModel::name, 270);
  table_->setMinimumHeight(120);
  table_->installEventFilter(this);
  filter_->setPlaceholderText(tr("Filter tensors, for example down_proj"));
  filter_->setAccessibleName(tr("Filter tensors"));
  filter_->setClearButtonEnabled(true);
  auto* save = new QToolButton(this);
  save->setText(tr("Save table…"));
  save->setAccessibleName(tr("Save the table of tensors"));
  auto* row = new QHBoxLayout;
  row->addWidget(filter_, 1);
  row->addWidget(save);
  body()->addLayout(row);
  body()->addWidget(table_, 1);
  body()->setStretch(0, 2);
  connect(filter_, &QLineEdit::textChanged, order_, &QSortFilterProxyModel::setFilterFixedString);
  connect(save, &QToolButton::clicked, this, &WeightsPage::save_table);
  connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& current) {
    const TensorInfo* tensor = current.isValid() ? model_->tensor(order_->mapToSource(current).row()) : nullptr;
    if (tensor == nullptr || QString::fromStdString(tensor->name) == tensor_) return;
    tensor_ = QString::fromStdString(tensor->name);
    preview_.reset();
    request_preview();
  });
}

void WeightsPage::select_tensor(const QString& name) {
  const int row = model_->row_of(name);
  if (row >= 0) table_->setCurrentIndex(order_->mapFromSource(model_->index(row, 0)));
}

bool WeightsPage::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::KeyPress && static_cast<QKeyEvent*>(event)->matches(QKeySequence::Copy)) {
    QGuiApplication::clipboard()->setText(table_clipboard(*order_, table_->selectionModel()->selectedIndexes()));
    return true;
  }
  return Page::eventFilter(watched, event);
}

void WeightsPage::on_checkpoint() {
  const auto& checkpoint = session_.checkpoint();
  preview_.reset();
  tensor_.clear();
  model_->set_checkpoint(checkpoint);
  if (checkpoint == nullptr || checkpoint->is_plan()) {
    show_nothing(checkpoint == nullptr ? QString()
                                       : tr("A plan has no weights to show. Look at Memory for its forecast."));
    return;
  }
  table_->setCurrentIndex(order_->mapFromSource(model_->index(static_cast<int>(first_shown_tensor(*checkpoint)), 0)));
  previews_.scan(checkpoint);
}

void WeightsPage::request_preview() {
  const int row = model_->row_of(tensor_);
  if (row < 0) return;
  const Resolved* resolved = session_.resolved();
  previews_.preview(session_.checkpoint(), static_cast<std::size_t>(row),
                    resolved == nullptr ? WeightFormat{} : planned_format(*resolved, tensor_.toStdString()));
}

void WeightsPage::on_preview(const QString& tensor, const std::shared_ptr<const TensorPreview>& preview) {
  model_->set_preview(tensor, *preview);
  if (tensor != tensor_) return;
  const bool same_tensor = preview_ != nullptr;
  preview_ = preview;
  draw(same_tensor ? chart()->x_range() : full_range(preview->source), same_tensor);
}

void WeightsPage::rebin(double low, double high) {
  if (preview_ != nullptr && low < high) draw({low, high}, true);
}

ChartData WeightsPage::histogram(std::pair<double, double> range) const {
  HistogramView view;
  view.tensor = tensor_;
  view.type = session_.settings().type;
  view.logarithmic = logarithmic_->isChecked();
  view.range = range;
  return histogram_chart(*preview_, view);
}

void WeightsPage::draw(std::pair<double, double> range, bool keep_view) { show_chart(histogram(range), keep_view); }

ChartData WeightsPage::whole_histogram() const {
  if (preview_ != nullptr) return histogram(full_range(preview_->source));
  ChartData nothing;
  nothing.name = QStringLiteral("weights");
  return nothing;
}

void WeightsPage::save_table() { save_text_as(this, table_csv(*order_), QStringLiteral("tensors.csv")); }

}  // namespace quantscope::ui
