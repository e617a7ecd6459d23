// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/actions.h"

#include <QFile>
#include <QGuiApplication>
#include <QPainter>
#include <QPalette>
#include <QPixmap>
#include <QSvgRenderer>

namespace quantscope::ui {
namespace {

struct ActionRow {
  const char* id;
  const char* text;
  const char* tip;
  const char* icon;
  const char* shortcut;
};

constexpr ActionRow rows[] = {
    {"open", QT_TRANSLATE_NOOP("Actions", "&Open checkpoint…"),
     QT_TRANSLATE_NOOP("Actions", "Open a .gguf file or a config.json (a plan)"), "open", "Ctrl+O"},
    {"open_folder", QT_TRANSLATE_NOOP("Actions", "Open checkpoint &folder…"),
     QT_TRANSLATE_NOOP("Actions", "Open a folder with safetensors files"), "folder", "Ctrl+Shift+O"},
    {"open_default", QT_TRANSLATE_NOOP("Actions", "Open &default model"),
     QT_TRANSLATE_NOOP("Actions", "Open the model that came with the program"), "model", "Ctrl+D"},
    {"new_workspace", QT_TRANSLATE_NOOP("Actions", "&New workspace…"),
     QT_TRANSLATE_NOOP("Actions", "Make a file that keeps every finished item of the runs"), nullptr, "Ctrl+N"},
    {"open_workspace", QT_TRANSLATE_NOOP("Actions", "Open &workspace…"),
     QT_TRANSLATE_NOOP("Actions", "Show the runs that a .quantscope file keeps, and go on with it"), nullptr,
     "Ctrl+Shift+W"},
    {"close_workspace", QT_TRANSLATE_NOOP("Actions", "&Close workspace"),
     QT_TRANSLATE_NOOP("Actions", "Empty the table; the file keeps its runs"), nullptr, "Ctrl+W"},
    {"compare", QT_TRANSLATE_NOOP("Actions", "&Compare all"),
     QT_TRANSLATE_NOOP("Actions", "Run every usual configuration on the same questions"), "compare", "Ctrl+Return"},
    {"run", QT_TRANSLATE_NOOP("Actions", "&Run"), QT_TRANSLATE_NOOP("Actions", "Run the configuration on the left"),
     "run", "Ctrl+R"},
    {"stop", QT_TRANSLATE_NOOP("Actions", "&Stop"), QT_TRANSLATE_NOOP("Actions", "Stop; what is finished stays"),
     "stop", "Esc"},
    {"resume", QT_TRANSLATE_NOOP("Actions", "Res&ume"),
     QT_TRANSLATE_NOOP("Actions", "Go on with the runs of the workspace that have not finished"), "resume",
     "Ctrl+Shift+R"},
    {"export", QT_TRANSLATE_NOOP("Actions", "&Export report…"),
     QT_TRANSLATE_NOOP("Actions", "Write tables, charts and settings of all runs into a folder"), "export", "Ctrl+E"},
    {"undo", QT_TRANSLATE_NOOP("Actions", "&Undo settings"),
     QT_TRANSLATE_NOOP("Actions", "Take back the last change of settings"), nullptr, "Ctrl+Z"},
    {"redo", QT_TRANSLATE_NOOP("Actions", "Re&do settings"),
     QT_TRANSLATE_NOOP("Actions", "Make the change of settings again"), nullptr, "Ctrl+Shift+Z"},
    {"theme_system", QT_TRANSLATE_NOOP("Actions", "S&ystem"), QT_TRANSLATE_NOOP("Actions", "Colours of the system"),
     nullptr, nullptr},
    {"theme_light", QT_TRANSLATE_NOOP("Actions", "&Light"), QT_TRANSLATE_NOOP("Actions", "Light colours"), nullptr,
     nullptr},
    {"theme_dark", QT_TRANSLATE_NOOP("Actions", "&Dark"), QT_TRANSLATE_NOOP("Actions", "Dark colours"), nullptr,
     nullptr},
    {"reset_layout", QT_TRANSLATE_NOOP("Actions", "&Reset layout"),
     QT_TRANSLATE_NOOP("Actions", "Put all panels back where they were"), nullptr, nullptr},
    {"shortcuts", QT_TRANSLATE_NOOP("Actions", "&Keyboard shortcuts"),
     QT_TRANSLATE_NOOP("Actions", "List all shortcuts"), nullptr, "F1"},
    {"about", QT_TRANSLATE_NOOP("Actions", "&About Quantscope"), QT_TRANSLATE_NOOP("Actions", "Version and licence"),
     nullptr, nullptr},
    {"quit", QT_TRANSLATE_NOOP("Actions", "&Quit"), QT_TRANSLATE_NOOP("Actions", "Close the window"), nullptr,
     "Ctrl+Q"},
};

/// What an action is for; tool and status tip say why it is disabled while it is.
constexpr const char* purpose = "purpose";

QPixmap tinted(QSvgRenderer& renderer, const QColor& color) {
  QPixmap pixmap(96, 96);
  pixmap.fill(Qt::transparent);
  QPainter painter(&pixmap);
  renderer.render(&painter);
  painter.setCompositionMode(QPainter::CompositionMode_SourceIn);
  painter.fillRect(pixmap.rect(), color);
  return pixmap;
}

QIcon tinted_icon(const QString& name, const QColor& color) {
  QSvgRenderer renderer(QStringLiteral(":/icons/%1.svg").arg(name));
  QIcon icon(tinted(renderer, color));
  QColor faint = color;
  faint.setAlpha(80);
  icon.addPixmap(tinted(renderer, faint), QIcon::Disabled);
  return icon;
}

}  // namespace

Actions::Actions(QObject* parent) : QObject(parent) {
  for (const ActionRow& row : rows) {
    auto* action = new QAction(tr(row.text), this);
    const QString id = QString::fromLatin1(row.id);
    action->setObjectName(id);
    action->setToolTip(tr(row.tip));
    action->setStatusTip(tr(row.tip));
    action->setProperty(purpose, tr(row.tip));
    if (row.icon != nullptr) action->setData(QString::fromLatin1(row.icon));
    if (row.shortcut != nullptr) action->setShortcut(QKeySequence(QString::fromLatin1(row.shortcut)));
    by_id_.insert(id, action);
    ordered_ << action;
  }
  action(QStringLiteral("shortcuts"))->setShortcuts({QKeySequence(Qt::Key_F1), QKeySequence(Qt::CTRL | Qt::Key_Slash)});
  recolor(QGuiApplication::palette().color(QPalette::ButtonText));
}

void Actions::recolor(const QColor& color) {
  for (QAction* action : ordered_)
    if (!action->data().isNull()) action->setIcon(tinted_icon(action->data().toString(), color));
}

QString Actions::shortcut_table(qsizetype pages) const {
  QString table = QStringLiteral("<table cellpadding='3'>");
  for (const QAction* action : ordered_) {
    if (action->shortcut().isEmpty()) continue;
    const QString keys = QKeySequence::listToString(action->shortcuts(), QKeySequence::NativeText);
    table += QStringLiteral("<tr><td><b>%1</b></td><td>%2</td></tr>")
                 .arg(keys.toHtmlEscaped(), action->property(purpose).toString().toHtmlEscaped());
  }
  const auto row = [&](const QString& keys, const QString& what) {
    table += QStringLiteral("<tr><td><b>%1</b></td><td>%2</td></tr>").arg(keys, what);
  };
  row(tr("Ctrl+1 … Ctrl+%1").arg(pages), tr("Show the first … last page"));
  row(tr("Wheel"), tr("Zoom a chart; over an axis, only that axis"));
  row(tr("Double click"), tr("Show everything of a chart"));
  row(tr("Ctrl+C in a table"), tr("Copy with headers"));
  return table + QStringLiteral("</table>");
}

}  // namespace quantscope::ui
