// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QComboBox>
#include <functional>

#include "core/experiment/resolve.h"

namespace quantscope::ui {

/// A combo box over the values of one setting. Impossible values are there, disabled, with the reason as tool tip.
class ChoiceBox : public QComboBox {
  Q_OBJECT

 public:
  using Label = std::function<QString(const std::string&)>;

  /// `label` makes the shown text of a value.
  explicit ChoiceBox(Label label, QWidget* parent = nullptr);

  /// Does not emit `chosen`.
  void set_choices(const std::vector<Choice>& choices, const std::string& current);
  bool is_enabled(const QString& value) const;
  QString why_not(const QString& value) const;

 Q_SIGNALS:
  /// By the user only.
  void chosen(const QString& value);

 private:
  Label label_;
};

}  // namespace quantscope::ui
