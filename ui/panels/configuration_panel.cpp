// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/configuration_panel.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QEvent>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QScrollArea>
#include <QScrollBar>
#include <QSpinBox>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/models/format.h"
#include "ui/models/session.h"
#include "ui/panels/choice_box.h"
#include "ui/panels/forecast_bar.h"
#include "ui/panels/setting_fields.h"
#include "ui/theme/type_style.h"

namespace quantscope::ui {
namespace {

/// Long entries must not make the panel wider than its dock.
void keep_narrow(QComboBox& box) {
  box.setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  box.setMinimumContentsLength(8);
}

}  // namespace

ConfigurationPanel::ConfigurationPanel(Session& session, QWidget* parent) : QWidget(parent), session_(session) {
  build_outcome();
  // What will run and what it takes stays in sight; only the controls scroll.
  auto* layout = new QVBoxLayout(this);
  layout->addWidget(build_controls(), 1);
  layout->addWidget(outcome_);
  layout->addWidget(forecast_);
  layout->addWidget(figures_);
  connect(&session_, &Session::settings_changed, this, &ConfigurationPanel::show_settings);
  connect(&session_, &Session::checkpoint_changed, this, &ConfigurationPanel::show_settings);
  connect(&session_, &Session::devices_changed, this, &ConfigurationPanel::show_settings);
  show_settings();
}

void ConfigurationPanel::build_outcome() {
  outcome_ = new QLabel(this);
  outcome_->setWordWrap(true);
  outcome_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  outcome_->setAccessibleName(tr("What will really run"));
  figures_ = new QLabel(this);
  figures_->setWordWrap(true);
  figures_->setAccessibleName(tr("Forecast figures"));
  forecast_ = new ForecastBar(this);
  reasons_ = new QLabel(this);
  reasons_->setWordWrap(true);
  reasons_->setAccessibleName(tr("Why"));
}

QWidget* ConfigurationPanel::build_controls() {
  auto* form = new QFormLayout;
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  add_presets(*form);
  add_choice(*form, tr("Data t&ype"), "type", tr("What each weight is stored as."));
  add_choice(*form, tr("&Method"), "method", tr("How the codes are found."));
  add_choice(*form, tr("&Block size"), "block_size", tr("Consecutive weights that share one scale."));
  add_choice(*form, tr("D&ouble quantization"), "double_quantization",
             tr("The scales are themselves stored in 8 bits."));
  add_choice(*form, tr("&Compute dtype"), "compute",
             tr("What decoded weights and activations are rounded to before a product."));
  add_choice(*form, tr("Output he&ad"), "head", tr("Whether the output head is quantized as well."));
  add_choice(*form, tr("&KV cache"), "kv_type", tr("What keys and values are stored as."));
  add_numbers(*form);

  form->addRow(reasons_);
  auto* content = new QWidget(this);
  content->setLayout(form);
  form->setContentsMargins(0, 0, 4, 0);
  auto* scroll = new QScrollArea(this);
  scroll->setWidget(content);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  // In a narrow window the controls stay whole; nothing would scroll to what is cut off at their right.
  scroll->setMinimumWidth(content->minimumSizeHint().width() + scroll->verticalScrollBar()->sizeHint().width());
  return scroll;
}

void ConfigurationPanel::add_presets(QFormLayout& form) {
  preset_ = new QComboBox(this);
  preset_->setAccessibleName(tr("Preset"));
  keep_narrow(*preset_);
  preset_->setToolTip(tr("A usual configuration; everything below follows."));
  for (const ConfigurationName& name : configuration_names()) {
    preset_->addItem(to_qt(name.label), to_qt(name.name));
    preset_->setItemData(preset_->count() - 1, wrapped_tip(to_qt(name.description)), Qt::ToolTipRole);
    if (const auto settings = parse_configuration(name.name))
      preset_->setItemIcon(preset_->count() - 1, type_icon(settings->type));
  }
  preset_->setPlaceholderText(tr("own settings"));
  form.addRow(tr("&Preset"), preset_);
  connect(preset_, &QComboBox::activated, this, [this](int index) {
    auto settings = parse_configuration(preset_->itemData(index).toString().toStdString());
    if (!settings) return;
    settings->device = session_.settings().device;
    settings->threads = session_.settings().threads;
    settings->simd = session_.settings().simd;
    session_.set_settings(*settings);
  });

  bits_ = new QComboBox(this);
  bits_->setAccessibleName(tr("Bits"));
  bits_->setToolTip(tr("Shows only data types of this many bits."));
  bits_->addItem(tr("all"), 0);
  for (const int bits : {32, 16, 8, 4}) bits_->addItem(tr("%1 bit").arg(bits), bits);
  form.addRow(tr("B&its"), bits_);
  connect(bits_, &QComboBox::activated, this, [this] {
    const int bits = bits_->currentData().toInt();
    show_types();
    if (bits == 0 || data_type_info(session_.settings().type).bits == bits) return;
    if (ChoiceBox* types = control("type"); types->count() > 0)
      take_choice("type", types->itemData(0).toString().toStdString());
  });
}

void ConfigurationPanel::add_choice(QFormLayout& form, const QString& title, const std::string& field,
                                    const QString& tip) {
  auto* box = new ChoiceBox([field](const std::string& value) { return value_label(field, value); }, this);
  box->setObjectName(QString::fromStdString(field));
  box->setAccessibleName(QString(title).remove(u'&'));
  box->setToolTip(tip);
  box->installEventFilter(this);
  form.addRow(title, box);
  controls_.push_back({field, box});
  connect(box, &ChoiceBox::chosen, this,
          [this, field](const QString& value) { take_choice(field, value.toStdString()); });
}

void ConfigurationPanel::add_numbers(QFormLayout& form) {
  scope_ = new QLineEdit(this);
  scope_->setObjectName(QStringLiteral("scope"));
  scope_->setAccessibleName(tr("Scope"));
  scope_->setToolTip(tr("Which weights are quantized: linears, all, or a regular expression over weight names."));
  scope_->installEventFilter(this);
  form.addRow(tr("&Scope"), scope_);
  connect(scope_, &QLineEdit::editingFinished, this, [this] { change("scope", scope_->text().toStdString()); });

  threshold_ = new QDoubleSpinBox(this);
  threshold_->setObjectName(QStringLiteral("int8_threshold"));
  threshold_->setAccessibleName(tr("INT8 outlier threshold"));
  threshold_->setToolTip(
      tr("LLM.int8(): activations at least this large are multiplied in the compute dtype; 0 switches it off."));
  threshold_->setRange(0, 100);
  threshold_->setSingleStep(0.5);
  threshold_->installEventFilter(this);
  form.addRow(tr("I&NT8 threshold"), threshold_);
  connect(threshold_, &QDoubleSpinBox::editingFinished, this,
          [this] { change("int8-threshold", QString::number(threshold_->value()).toStdString()); });

  device_ = new ChoiceBox([this](const std::string& id) { return device_label(id); }, this);
  device_->setObjectName(QStringLiteral("device"));
  device_->setAccessibleName(tr("Device"));
  device_->setToolTip(tr("What computes."));
  device_->installEventFilter(this);
  form.addRow(tr("&Device"), device_);
  connect(device_, &ChoiceBox::chosen, this, [this](const QString& id) { change("device", id.toStdString()); });
  threads_ = new QSpinBox(this);
  threads_->setObjectName(QStringLiteral("threads"));
  threads_->setAccessibleName(tr("Threads"));
  threads_->setToolTip(tr("Results do not depend on it."));
  threads_->setRange(0, 1024);
  threads_->setSpecialValueText(tr("all (%1)").arg(session_.device().threads));
  threads_->installEventFilter(this);
  form.addRow(tr("&Threads"), threads_);
  connect(threads_, &QSpinBox::editingFinished, this, [this] { change("threads", std::to_string(threads_->value())); });
  add_choice(form, tr("Instr&uctions"), "simd", tr("The processor's instruction set; it decides rounding order."));
}

ChoiceBox* ConfigurationPanel::control(const std::string& field) const {
  const auto found =
      std::find_if(controls_.begin(), controls_.end(), [&](const Control& c) { return c.field == field; });
  return found == controls_.end() ? nullptr : found->box;
}

bool ConfigurationPanel::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::Enter || event->type() == QEvent::FocusIn) Q_EMIT field_entered(watched->objectName());
  return QWidget::eventFilter(watched, event);
}

void ConfigurationPanel::take_choice(const std::string& field, const std::string& value) {
  const auto changed = with_choice(session_.settings(), field, value);
  if (changed)
    session_.set_settings(*changed);
  else
    show_settings();
}

void ConfigurationPanel::change(const char* key, const std::string& value) {
  Settings settings = session_.settings();
  if (set_setting(settings, key, value)) session_.set_settings(settings);
  show_settings();
}

void ConfigurationPanel::show_settings() {
  const Settings& settings = session_.settings();
  const Settings& effective = session_.resolved() != nullptr ? session_.resolved()->settings : settings;
  for (const Control& control : controls_)
    if (control.field != "type")
      control.box->set_choices(session_.choices_for(control.field), field_value(effective, control.field));
  show_types();
  preset_->setCurrentIndex(preset_->findData(QString::fromStdString(configuration_text(settings))));
  scope_->setText(QString::fromStdString(settings.scope));
  threshold_->setValue(settings.int8_threshold);
  threshold_->setEnabled(settings.type == DataType::int8 && !settings.weight_only_int8);
  threads_->setValue(settings.threads);
  show_devices();
  show_outcome();
}

void ConfigurationPanel::show_devices() {
  std::vector<Choice> list = {{"auto", true, {}}};
  for (const DeviceDescription& device : session_.devices())
    list.push_back({device.id, device.unavailable.empty(), device.unavailable});
  device_->set_choices(list, session_.settings().device);
}

QString ConfigurationPanel::device_label(const std::string& id) const {
  for (const DeviceDescription& device : session_.devices())
    if (device.id == id)
      return device.name.empty() ? QString::fromStdString(id).toUpper() : QString::fromStdString(device.name);
  return tr("automatic");
}

void ConfigurationPanel::show_types() {
  const int bits = bits_->currentData().toInt();
  std::vector<Choice> types = session_.choices_for("type");
  std::erase_if(types, [&](const Choice& choice) {
    const auto type = parse_data_type(choice.value);
    return bits != 0 && type && data_type_info(*type).bits != bits;
  });
  ChoiceBox* box = control("type");
  box->set_choices(types, field_value(session_.settings(), "type"));
  box->setPlaceholderText(tr("as stored"));  // shown while none of them is chosen
  for (int i = 0; i < box->count(); ++i)
    if (const auto type = parse_data_type(box->itemData(i).toString().toStdString()))
      box->setItemIcon(i, type_icon(*type));
}

void ConfigurationPanel::show_outcome() {
  const Resolved* resolved = session_.resolved();
  figures_->setVisible(resolved != nullptr);
  if (resolved == nullptr) {
    forecast_->clear();
    reasons_->clear();
    outcome_->setText(session_.conflict() ? conflict_text(*session_.conflict())
                                          : tr("Open a checkpoint to see what will run."));
    return;
  }
  outcome_->setText(outcome_text(*resolved));
  reasons_->setText(reasons_text(*resolved));
  forecast_->set_forecast(resolved->forecast, session_.device().memory_free);
  figures_->setText(tr("Weights %1 MiB (as commonly reported %2), %3 bits per weight.")
                        .arg(format_mib(resolved->forecast.weights()), format_mib(resolved->as_commonly_reported))
                        .arg(resolved->bits_per_weight, 0, 'f', 3));
}

}  // namespace quantscope::ui
