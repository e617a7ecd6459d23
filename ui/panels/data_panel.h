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
  void build_controls();
  void lay_out();
  void connect_controls();
  void choose_dataset(int index);
  void choose_text(int index);
  void take_options();
  void show_options();

  Session& session_;
  QCheckBox* questions_ = nullptr;
  QComboBox* dataset_ = nullptr;
  QComboBox* layout_ = nullptr;
  QComboBox* items_ = nullptr;
  QComboBox* sample_ = nullptr;
  QSpinBox* count_ = nullptr;
  QSpinBox* seed_ = nullptr;
  QCheckBox* perplexity_ = nullptr;
  QComboBox* text_ = nullptr;
  QCheckBox* divergence_ = nullptr;
  QCheckBox* speed_ = nullptr;
};

}  // namespace quantscope::ui
