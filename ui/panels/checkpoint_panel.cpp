// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/checkpoint_panel.h"

#include <QFileInfo>
#include <QLabel>
#include <QListWidget>
#include <QVBoxLayout>
#include <algorithm>
#include <map>

#include "ui/models/format.h"
#include "ui/models/session.h"

namespace quantscope::ui {
namespace {

QString tr(const char* text) { return CheckpointPanel::tr(text); }

/// "Q4_1 ×210, F32 ×61", most frequent first.
QString stored_types(const Checkpoint& checkpoint) {
  std::map<QString, int> counts;
  for (const TensorInfo& tensor : checkpoint.tensors()) ++counts[to_qt(stored_form(tensor))];
  std::vector<std::pair<QString, int>> ordered(counts.begin(), counts.end());
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  QStringList parts;
  for (const auto& [type, count] : ordered) parts << QStringLiteral("%1 ×%2").arg(type).arg(count);
  return parts.join(QStringLiteral(", "));
}

QString architecture(const ModelDescription& model) {
  return tr("%1, %2 layers, hidden %3, %4 heads (%5 KV), vocabulary %6")
      .arg(QString::fromStdString(model.family))
      .arg(model.layers)
      .arg(model.hidden)
      .arg(model.heads)
      .arg(model.kv_heads)
      .arg(format_count(model.vocabulary));
}

}  // namespace

QString describe_checkpoint(const Checkpoint& checkpoint) {
  std::int64_t values = 0;
  std::uint64_t bytes = 0;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    values += tensor.count();
    bytes += tensor.bytes;
  }
  const ModelDescription& model = checkpoint.model();
  QString rows;
  const auto add = [&](const QString& name, const QString& value) {
    if (!value.isEmpty())
      rows += QStringLiteral("<tr><td><b>%1</b>&nbsp;&nbsp;</td><td>%2</td></tr>").arg(name, value.toHtmlEscaped());
  };
  add(tr("Name"), QString::fromStdString(model.name));
  if (model.layers > 0) add(tr("Architecture"), architecture(model));
  if (checkpoint.is_plan())
    add(tr("Weights"), tr("none: a plan from config.json"));
  else
    add(tr("Tensors"), tr("%1 with %2 values, %3 MiB on disk")
                           .arg(checkpoint.tensors().size())
                           .arg(format_count(values), format_mib(static_cast<std::int64_t>(bytes))));
  add(tr("Stored as"), stored_types(checkpoint));
  if (model.context > 0) add(tr("Context"), tr("%1 tokens").arg(format_count(model.context)));
  add(tr("Licence"), model.license.empty() ? tr("not stated") : QString::fromStdString(model.license));
  return QStringLiteral("<table>%1</table>").arg(rows);
}

CheckpointPanel::CheckpointPanel(Session& session, QWidget* parent)
    : QWidget(parent),
      session_(session),
      description_(new QLabel(this)),
      baseline_note_(new QLabel(this)),
      recent_(new QListWidget(this)) {
  description_->setWordWrap(true);
  description_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  description_->setAccessibleName(tr("Checkpoint"));
  baseline_note_->setWordWrap(true);
  baseline_note_->setAccessibleName(tr("What the baseline is"));
  auto* recent_label = new QLabel(tr("Recent, ne&west first"), this);
  recent_label->setBuddy(recent_);
  recent_->setAccessibleName(tr("Recent checkpoints"));
  recent_->setMaximumHeight(84);
  recent_->setTextElideMode(Qt::ElideMiddle);
  auto* layout = new QVBoxLayout(this);
  layout->addWidget(description_);
  layout->addWidget(baseline_note_);
  layout->addWidget(recent_label);
  layout->addWidget(recent_);
  layout->addStretch();
  connect(recent_, &QListWidget::itemActivated, this,
          [this](const QListWidgetItem* item) { Q_EMIT open_requested(item->data(Qt::UserRole).toString()); });
  connect(&session_, &Session::checkpoint_changed, this, &CheckpointPanel::show_checkpoint);
  show_checkpoint();
}

void CheckpointPanel::set_recent(const QStringList& paths) {
  recent_->clear();
  for (const QString& path : paths) {
    const QString shown = path == QLatin1String("default") ? tr("Default model") : QFileInfo(path).fileName();
    auto* item = new QListWidgetItem(shown, recent_);
    item->setData(Qt::UserRole, path);
    item->setToolTip(path);
  }
}

void CheckpointPanel::show_checkpoint() {
  const auto& checkpoint = session_.checkpoint();
  if (checkpoint == nullptr) {
    description_->setText(tr("Drop a checkpoint folder, a .gguf file or a config.json here, or press Ctrl+O."));
    baseline_note_->hide();
    return;
  }
  description_->setText(describe_checkpoint(*checkpoint));
  const QString note = QString::fromStdString(checkpoint->baseline_note());
  baseline_note_->setVisible(!note.isEmpty());
  baseline_note_->setText(
      tr("<b>Note</b>: the baseline is %1. The file is itself quantized, so losses of 4-bit types differ from those of "
         "a full-precision checkpoint.")
          .arg(note.toHtmlEscaped()));
}

}  // namespace quantscope::ui
