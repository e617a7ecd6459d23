// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/worker/previews.h"
#include "core/experiment/devices.h"
#include "ui/models/result_rows.h"

namespace quantscope::ui {
namespace {

constexpr int preview_threads = 2;

/// Statistics only: nothing is quantized.
WeightFormat no_quantization() { return {}; }

}  // namespace

Previews::Previews(QObject* parent) : QObject(parent), on_thread_(new QObject) {
  on_thread_->moveToThread(&thread_);
  connect(&thread_, &QThread::finished, on_thread_, &QObject::deleteLater);
  thread_.setObjectName(QStringLiteral("previews"));
  thread_.start();
}

Previews::~Previews() {
  for (std::stop_source* source : {&opening_, &previewing_, &scanning_, &comparing_, &asking_}) source->request_stop();
  thread_.quit();
  thread_.wait();
}

template <class Work>
void Previews::post(std::stop_source& latest, Work work) {
  latest.request_stop();
  latest = std::stop_source();
  QMetaObject::invokeMethod(
      on_thread_,
      [work = std::move(work), token = latest.get_token()] {
        if (!token.stop_requested()) work(token);
      },
      Qt::QueuedConnection);
}

void Previews::open(const QString& path) {
  post(opening_, [this, path](const std::stop_token& token) {
    auto checkpoint = Checkpoint::open(path.toStdString());
    if (token.stop_requested()) return;
    if (checkpoint)
      Q_EMIT opened(path, *checkpoint);
    else
      Q_EMIT open_failed(checkpoint.error());
  });
}

void Previews::ask_devices() {
  post(asking_, [this](const std::stop_token&) { Q_EMIT devices_known(available_devices()); });
}

void Previews::preview(std::shared_ptr<const Checkpoint> checkpoint, std::size_t tensor, const WeightFormat& format) {
  post(previewing_, [this, checkpoint = std::move(checkpoint), tensor, format](const std::stop_token& token) {
    auto preview = look(*checkpoint, tensor, format, token);
    if (token.stop_requested()) return;
    if (preview)
      Q_EMIT preview_ready(QString::fromStdString(checkpoint->tensors()[tensor].name),
                           std::make_shared<const TensorPreview>(std::move(*preview)));
    else
      Q_EMIT preview_failed(preview.error());
  });
}

void Previews::scan(std::shared_ptr<const Checkpoint> checkpoint) {
  post(scanning_,
       [this, checkpoint = std::move(checkpoint)](const std::stop_token& token) { scan_from(checkpoint, 0, token); });
}

void Previews::scan_from(std::shared_ptr<const Checkpoint> checkpoint, std::size_t tensor, std::stop_token token) {
  if (token.stop_requested() || tensor >= checkpoint->tensors().size()) return;
  auto preview = look(*checkpoint, tensor, no_quantization(), token);
  if (token.stop_requested()) return;
  if (preview) {
    preview->source.histogram.counts.clear();
    Q_EMIT scanned(QString::fromStdString(checkpoint->tensors()[tensor].name),
                   std::make_shared<const TensorPreview>(std::move(*preview)));
  }
  QMetaObject::invokeMethod(
      on_thread_, [this, checkpoint, tensor, token] { scan_from(checkpoint, tensor + 1, token); },
      Qt::QueuedConnection);
}

void Previews::compare(std::shared_ptr<const RunResult> base, std::map<RunId, std::shared_ptr<const RunResult>> others,
                       Scorer scorer) {
  post(comparing_, [this, base = std::move(base), others = std::move(others), scorer](const std::stop_token& token) {
    std::vector<const RunResult*> results;
    for (const auto& [id, other] : others) results.push_back(other.get());
    std::vector<RunPairs> rows = pairs_with(*base, results, scorer, token);
    if (token.stop_requested()) return;
    PairsById pairs;
    auto row = rows.begin();
    for (const auto& [id, other] : others) pairs.emplace(id, std::move(*row++));
    Q_EMIT compared(pairs);
  });
}

Result<TensorPreview> Previews::look(const Checkpoint& checkpoint, std::size_t tensor, const WeightFormat& format,
                                     std::stop_token token) {
  if (previewer_ == nullptr) {
    auto created = TensorPreviewer::create(preview_threads);
    if (!created) return tl::unexpected(created.error());
    previewer_ = std::move(*created);
  }
  return previewer_->preview(checkpoint, checkpoint.tensors()[tensor], format, token);
}

}  // namespace quantscope::ui
