// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "ui/models/glossary.h"

class QLineEdit;
class QListWidget;
class QTextBrowser;

namespace quantscope::ui {

/// The terms with their explanations; follows the setting under the pointer.
class GlossaryPanel : public QWidget {
  Q_OBJECT

 public:
  explicit GlossaryPanel(std::vector<GlossaryTerm> terms, QWidget* parent = nullptr);

  const std::vector<GlossaryTerm>& terms() const { return terms_; }
  QString shown_term() const;

 public Q_SLOTS:
  void show_control(const QString& control);

 private:
  void show_term(int row);
  void filter(const QString& text);

  std::vector<GlossaryTerm> terms_;
  QLineEdit* filter_;
  QListWidget* list_;
  QTextBrowser* text_;
};

}  // namespace quantscope::ui
