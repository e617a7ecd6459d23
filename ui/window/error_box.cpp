// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/error_box.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QMessageBox>
#include <QPushButton>

#include "ui/models/format.h"

namespace quantscope::ui {

QString error_details(const Error& error) {
  QString text = QString::fromStdString(error.message);
  text += QStringLiteral("\nkind: %1").arg(to_qt(error_code_name(error.code)));
  if (!error.where.empty()) text += QStringLiteral("\nwhere: %1").arg(QString::fromStdString(error.where));
  if (!error.detail.empty()) text += QStringLiteral("\n%1").arg(QString::fromStdString(error.detail));
  return text + QStringLiteral("\nQuantscope %1\n").arg(QStringLiteral(QUANTSCOPE_VERSION));
}

void show_error(QWidget* parent, const Error& error) {
  auto* box = new QMessageBox(QMessageBox::Warning, QObject::tr("Quantscope"), QString::fromStdString(error.message),
                              QMessageBox::Close, parent);
  box->setAttribute(Qt::WA_DeleteOnClose);
  box->setInformativeText(QString::fromStdString(error.where));
  QPushButton* copy = box->addButton(QObject::tr("Copy details"), QMessageBox::ActionRole);
  copy->disconnect();  // else the box would close
  QObject::connect(copy, &QPushButton::clicked, box,
                   [details = error_details(error)] { QGuiApplication::clipboard()->setText(details); });
  box->open();
}

}  // namespace quantscope::ui
