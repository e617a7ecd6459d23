// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QCheckBox;
class QComboBox;
class QSpinBox;

namespace quantscope::ui {

class Session;
struct TaskOptions;

/// What each run is asked: questions, a text, speed.
class DataPanel : public QWidget {
  Q_OBJECT

 public:
  explicit DataPanel(Session& session, QWidget* parent = nullptr);

 private:
  void choose_dataset(int index);
  void choose_text(int index);
  void take_options();
  void show_options();

  Session& session_;
  QCheckBox* questions_;
  QComboBox* dataset_;
  QComboBox* items_;
  QComboBox* sample_;
  QSpinBox* count_;
  QSpinBox* seed_;
  QCheckBox* perplexity_;
  QComboBox* text_;
  QCheckBox* speed_;
};

}  // namespace quantscope::ui
