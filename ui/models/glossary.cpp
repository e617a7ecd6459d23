// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/glossary.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

namespace quantscope::ui {

std::vector<GlossaryTerm> read_glossary(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly)) return {};
  const QJsonDocument document = QJsonDocument::fromJson(file.readAll());
  const QJsonArray entries =
      document.isArray() ? document.array() : document.object()[QStringLiteral("terms")].toArray();
  std::vector<GlossaryTerm> terms;
  for (const QJsonValue& entry : entries) {
    const auto text = [&](const char* field) { return entry[QLatin1String(field)].toString(); };
    if (!text("term").isEmpty()) terms.push_back({text("term"), text("short"), text("long"), text("control")});
  }
  return terms;
}

}  // namespace quantscope::ui
