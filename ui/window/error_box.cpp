// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/error_box.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QMessageBox>
#include <QPushButton>
#include <algorithm>

#include "ui/models/format.h"

namespace quantscope::ui {
namespace {

/// What no configuration can do fails every run of a comparison with the same words; one box says it.
bool is_shown(const QWidget* parent, const QString& message) {
  const QList<QMessageBox*> boxes = parent->findChildren<QMessageBox*>();
  return std::any_of(boxes.begin(), boxes.end(),
                     [&](const QMessageBox* box) { return box->isVisible() && box->text() == message; });
}

}  // namespace

QString error_details(const Error& error) {
  QString text = QString::fromStdString(error.message);
  text += QStringLiteral("\nkind: %1").arg(to_qt(error_code_name(error.code)));
  if (!error.where.empty()) text += QStringLiteral("\nwhere: %1").arg(QString::fromStdString(error.where));
  if (!error.detail.empty()) text += QStringLiteral("\n%1").arg(QString::fromStdString(error.detail));
  return text + QStringLiteral("\nQuantscope %1\n").arg(QStringLiteral(QUANTSCOPE_VERSION));
}

void show_error(QWidget* parent, const Error& error) {
  if (is_shown(parent, QString::fromStdString(error.message))) return;
  auto* box = new QMessageBox(QMessageBox::Warning, QObject::tr("Quantscope"), QString::fromStdString(error.message),
                              QMessageBox::Close, parent);
  box->setAttribute(Qt::WA_DeleteOnClose);
  if (error.message.find(error.where) == std::string::npos)
    box->setInformativeText(QString::fromStdString(error.where));
  QPushButton* copy = box->addButton(QObject::tr("Copy details"), QMessageBox::ActionRole);
  copy->disconnect();  // else the box would close
  box->setDefaultButton(QMessageBox::Close);
  QObject::connect(copy, &QPushButton::clicked, box,
                   [details = error_details(error)] { QGuiApplication::clipboard()->setText(details); });
  box->open();
}

}  // namespace quantscope::ui
