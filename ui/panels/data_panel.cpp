// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/data_panel.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QLabel>
#include <QSettings>
#include <QSpinBox>

#include "core/experiment/task_data.h"
#include "ui/models/session.h"

namespace quantscope::ui {
namespace {

/// The combo boxes hold the bundled sample, maybe a chosen file, and the entry that asks for one.
void show_file(QComboBox& box, const QString& path, const QString& sample_name) {
  box.clear();
  box.addItem(sample_name, QStringLiteral("sample"));
  if (path != QLatin1String("sample")) box.addItem(QFileInfo(path).fileName(), path);
  box.addItem(DataPanel::tr("Open a file…"), QString());
  box.setCurrentIndex(box.findData(path));
}

QString ask_for_file(QWidget* parent, const QString& title, const QString& filter) {
  QSettings settings;
  const QString key = QStringLiteral("folders/data");
  const QString path = QFileDialog::getOpenFileName(parent, title, settings.value(key).toString(), filter);
  if (!path.isEmpty()) settings.setValue(key, QFileInfo(path).absolutePath());
  return path;
}

template <class Widget>
Widget* named(Widget* widget, const QString& name, const QString& tip) {
  widget->setAccessibleName(name);
  widget->setToolTip(tip);
  return widget;
}

}  // namespace

DataPanel::DataPanel(Session& session, QWidget* parent) : QWidget(parent), session_(session) {
  build_controls();
  lay_out();
  connect_controls();
  show_options();
}

void DataPanel::build_controls() {
  questions_ = named(new QCheckBox(tr("&Questions (F1, EM)"), this), tr("Questions"),
                     tr("Answer questions about stories and score the answers."));
  dataset_ = named(new QComboBox(this), tr("Dataset"), tr("A file of questions, or the small bundled sample."));
  dataset_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  layout_ = named(new QComboBox(this), tr("Layout"), tr("How the file is laid out; guessed when it is opened."));
  layout_->setObjectName(QStringLiteral("question_layout"));
  layout_->addItem(tr("CoQA"), static_cast<int>(TaskKind::coqa));
  layout_->addItem(tr("SQuAD"), static_cast<int>(TaskKind::squad));
  layout_->addItem(tr("records (JSONL)"), static_cast<int>(TaskKind::jsonl));
  items_ = named(new QComboBox(this), tr("Which questions"),
                 tr("The last question of each story, as lm-eval asks, or every one."));
  items_->addItem(tr("last of each story"), static_cast<int>(Items::last));
  items_->addItem(tr("every question"), static_cast<int>(Items::all));
  sample_ = named(new QComboBox(this), tr("Sample"), tr("How many of them."));
  sample_->addItem(tr("all"), static_cast<int>(Sample::Kind::all));
  sample_->addItem(tr("the first"), static_cast<int>(Sample::Kind::first));
  sample_->addItem(tr("random"), static_cast<int>(Sample::Kind::random));
  count_ = named(new QSpinBox(this), tr("Number of questions"), tr("Number of questions."));
  count_->setRange(1, 1000000);
  count_->setValue(50);
  seed_ = named(new QSpinBox(this), tr("Seed"), tr("The same seed draws the same questions."));
  seed_->setRange(0, 1000000);
  perplexity_ = named(new QCheckBox(tr("Perple&xity"), this), tr("Perplexity"), tr("How well a text is predicted."));
  text_ = named(new QComboBox(this), tr("Text"), tr("A plain text file, or the small bundled sample."));
  text_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  divergence_ =
      named(new QCheckBox(tr("KL diver&gence"), this), tr("KL divergence"),
            tr("How far the predictions on the text are from those of the first configuration of Compare all."));
  speed_ =
      named(new QCheckBox(tr("Speed"), this), tr("Speed"), tr("128 prompt tokens and 32 generated ones, three times."));
}

void DataPanel::lay_out() {
  auto* link = new QLabel(
      tr("CoQA can be downloaded at <a href=\"https://stanfordnlp.github.io/coqa/\">stanfordnlp.github.io/coqa</a>."),
      this);
  link->setOpenExternalLinks(true);
  link->setWordWrap(true);
  auto* form = new QFormLayout(this);
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  form->addRow(questions_);
  form->addRow(tr("Dataset"), dataset_);
  form->addRow(tr("Layout"), layout_);
  form->addRow(tr("Ask"), items_);
  form->addRow(tr("Sample"), sample_);
  form->addRow(tr("Number"), count_);
  form->addRow(tr("Seed"), seed_);
  form->addRow(link);
  form->addRow(perplexity_);
  form->addRow(divergence_);
  form->addRow(tr("Text"), text_);
  form->addRow(speed_);
}

void DataPanel::connect_controls() {
  connect(dataset_, &QComboBox::activated, this, &DataPanel::choose_dataset);
  connect(text_, &QComboBox::activated, this, &DataPanel::choose_text);
  for (QCheckBox* box : {questions_, perplexity_, divergence_, speed_})
    connect(box, &QCheckBox::clicked, this, &DataPanel::take_options);
  for (QComboBox* box : {layout_, items_, sample_}) connect(box, &QComboBox::activated, this, &DataPanel::take_options);
  for (QSpinBox* box : {count_, seed_}) connect(box, &QSpinBox::valueChanged, this, &DataPanel::take_options);
  connect(&session_, &Session::tasks_changed, this, &DataPanel::show_options);
}

void DataPanel::choose_dataset(int index) {
  TaskOptions options = session_.tasks();
  QString path = dataset_->itemData(index).toString();
  if (path.isEmpty()) path = ask_for_file(this, tr("Open a dataset"), tr("Questions (*.json *.jsonl);;All files (*)"));
  if (!path.isEmpty()) {
    options.dataset = path;
    options.layout = path == QLatin1String("sample") ? TaskKind::coqa : guess_question_task(path.toStdString());
  }
  session_.set_tasks(options);
  show_options();
}

void DataPanel::choose_text(int index) {
  TaskOptions options = session_.tasks();
  QString path = text_->itemData(index).toString();
  if (path.isEmpty()) path = ask_for_file(this, tr("Open a text"), tr("Texts (*.txt *.raw *.md);;All files (*)"));
  if (!path.isEmpty()) options.text = path;
  session_.set_tasks(options);
  show_options();
}

void DataPanel::take_options() {
  TaskOptions options = session_.tasks();
  options.questions = questions_->isChecked();
  options.layout = static_cast<TaskKind>(layout_->currentData().toInt());
  options.items = static_cast<Items>(items_->currentData().toInt());
  options.sample = {};
  options.sample.kind = static_cast<Sample::Kind>(sample_->currentData().toInt());
  if (options.sample.kind != Sample::Kind::all) options.sample.count = count_->value();
  if (options.sample.kind == Sample::Kind::random) options.sample.seed = static_cast<std::uint64_t>(seed_->value());
  options.perplexity = perplexity_->isChecked();
  options.divergence = divergence_->isChecked();
  options.speed = speed_->isChecked();
  session_.set_tasks(options);
}

void DataPanel::show_options() {
  const TaskOptions& options = session_.tasks();
  questions_->setChecked(options.questions);
  show_file(*dataset_, options.dataset, tr("bundled sample"));
  layout_->setCurrentIndex(layout_->findData(static_cast<int>(options.layout)));
  items_->setCurrentIndex(items_->findData(static_cast<int>(options.items)));
  sample_->setCurrentIndex(sample_->findData(static_cast<int>(options.sample.kind)));
  for (QWidget* widget : std::initializer_list<QWidget*>{dataset_, items_, sample_})
    widget->setEnabled(options.questions);
  layout_->setEnabled(options.questions && options.dataset != QLatin1String("sample"));
  count_->setEnabled(options.questions && options.sample.kind != Sample::Kind::all);
  seed_->setEnabled(options.questions && options.sample.kind == Sample::Kind::random);
  perplexity_->setChecked(options.perplexity);
  show_file(*text_, options.text, tr("bundled sample"));
  divergence_->setChecked(options.divergence);
  text_->setEnabled(options.perplexity || options.divergence);
  speed_->setChecked(options.speed);
}

}  // namespace quantscope::ui
