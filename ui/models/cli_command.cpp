// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/cli_command.h"

#include <QStringList>

#include "ui/models/format.h"

namespace quantscope::ui {
namespace {

QString quoted(const std::string& text) {
  return QStringLiteral("'%1'").arg(QString::fromStdString(text).replace(u'\'', QStringLiteral("'\\''")));
}

void add_range(QStringList& words, const char* option, std::int64_t first, std::int64_t last) {
  if (last > 0) words << QLatin1String(option) << QStringLiteral("%1:%2").arg(first).arg(last);
}

QStringList question_words(const Task& task) {
  QStringList words{
      QStringLiteral("--items"),  task.items == Items::last ? QStringLiteral("last") : QStringLiteral("all"),
      QStringLiteral("--sample"), QString::fromStdString(sample_text(task.sample)),
      QStringLiteral("--scorer"), to_qt(scorer_name(task.scorer))};
  add_range(words, "--stories", task.first_story, task.last_story);
  return words;
}

QStringList text_words(const Task& task) {
  QStringList words;
  if (!task.protocol.empty()) words << QStringLiteral("--protocol") << QString::fromStdString(task.protocol);
  if (task.base) words << QStringLiteral("--base") << quoted(configuration_text(*task.base));
  add_range(words, "--chunks", task.first_chunk, task.last_chunk);
  return words;
}

QStringList speed_words(const SpeedOptions& speed) {
  return {QStringLiteral("--prompt-tokens"),    QString::number(speed.prompt_tokens),
          QStringLiteral("--generated-tokens"), QString::number(speed.generated_tokens),
          QStringLiteral("--repetitions"),      QString::number(speed.repetitions)};
}

}  // namespace

QString cli_command(const RunRequest& request) {
  QStringList lines;
  for (const Task& task : request.tasks) {
    QStringList words{QStringLiteral("quantscope-cli evaluate"), quoted(request.model),
                      quoted(configuration_text(request.settings)), QStringLiteral("--task"),
                      to_qt(task_name(task.kind))};
    if (!task.data.empty()) words << QStringLiteral("--data") << quoted(task.data);
    if (is_question_task(task.kind))
      words << question_words(task);
    else if (task.kind == TaskKind::speed)
      words << speed_words(task.speed);
    else
      words << text_words(task);
    lines << words.join(u' ');
  }
  return lines.join(u'\n');
}

}  // namespace quantscope::ui
