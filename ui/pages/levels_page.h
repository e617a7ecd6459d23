// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/pages/page.h"

class QTableWidget;

namespace quantscope::ui {

/// Why NF4 and not INT4?
class LevelsPage : public Page {
  Q_OBJECT

 public:
  explicit LevelsPage(QWidget* parent = nullptr);

  QTableWidget* errors() const { return errors_; }

 private:
  void fill_errors();

  QTableWidget* errors_;
};

}  // namespace quantscope::ui
