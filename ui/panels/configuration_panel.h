// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <string>
#include <vector>

#include "core/experiment/settings.h"

class QComboBox;
class QDoubleSpinBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QSpinBox;

namespace quantscope::ui {

class ChoiceBox;
class ForecastBar;
class Session;

/// The settings of the next run, what they would really do and what that takes.
class ConfigurationPanel : public QWidget {
  Q_OBJECT

 public:
  explicit ConfigurationPanel(Session& session, QWidget* parent = nullptr);

  /// The control of a setting, by the field name of `choices`: for tests and the glossary.
  ChoiceBox* control(const std::string& field) const;

 Q_SIGNALS:
  /// The pointer or the focus is on the control of this setting.
  void field_entered(const QString& field);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  struct Control {
    std::string field;
    ChoiceBox* box;
  };
  void build_outcome();
  QWidget* build_controls();
  void add_presets(QFormLayout& form);
  void add_choice(QFormLayout& form, const QString& title, const std::string& field, const QString& tip);
  void add_numbers(QFormLayout& form);
  void take_choice(const std::string& field, const std::string& value);
  void change(const char* key, const std::string& value);
  void show_settings();
  void show_types();
  void show_outcome();
  void show_devices();
  QString device_label(const std::string& id) const;

  Session& session_;
  QComboBox* preset_ = nullptr;
  QComboBox* bits_ = nullptr;
  std::vector<Control> controls_;
  QLineEdit* scope_ = nullptr;
  QDoubleSpinBox* threshold_ = nullptr;
  QSpinBox* threads_ = nullptr;
  ChoiceBox* device_ = nullptr;
  QLabel* outcome_ = nullptr;
  QLabel* reasons_ = nullptr;
  QLabel* figures_ = nullptr;
  ForecastBar* forecast_ = nullptr;
};

}  // namespace quantscope::ui
