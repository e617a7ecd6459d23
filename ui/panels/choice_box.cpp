// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/choice_box.h"

#include <QStandardItemModel>

#include "ui/models/format.h"

namespace quantscope::ui {
namespace {

constexpr int why_not_role = Qt::UserRole + 1;

}  // namespace

ChoiceBox::ChoiceBox(Label label, QWidget* parent) : QComboBox(parent), label_(std::move(label)) {
  setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  setMinimumContentsLength(8);
  setPlaceholderText(tr("automatic"));  // while nothing is chosen and no checkpoint says what follows
  connect(this, &QComboBox::activated, this, [this](int index) { Q_EMIT chosen(itemData(index).toString()); });
}

void ChoiceBox::set_choices(const std::vector<Choice>& choices, const std::string& current) {
  clear();
  auto* items = qobject_cast<QStandardItemModel*>(model());
  for (const Choice& choice : choices) {
    addItem(label_(choice.value), QString::fromStdString(choice.value));
    QStandardItem* item = items->item(count() - 1);
    item->setEnabled(choice.enabled);
    if (choice.enabled) continue;
    item->setData(QString::fromStdString(choice.why_not), why_not_role);
    item->setToolTip(wrapped_tip(QString::fromStdString(choice.why_not)));
  }
  setCurrentIndex(findData(QString::fromStdString(current)));
}

bool ChoiceBox::is_enabled(const QString& value) const {
  const int index = findData(value);
  return index >= 0 && qobject_cast<QStandardItemModel*>(model())->item(index)->isEnabled();
}

QString ChoiceBox::why_not(const QString& value) const { return itemData(findData(value), why_not_role).toString(); }

}  // namespace quantscope::ui
