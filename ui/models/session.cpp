// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/session.h"

#include <algorithm>

#include <QUndoCommand>

namespace quantscope::ui {

class SettingsChange : public QUndoCommand {
 public:
  SettingsChange(Session& session, Settings after)
      : QUndoCommand(Session::tr("change of settings")),
        session_(session),
        before_(session.settings()),
        after_(std::move(after)) {}
  void undo() override { session_.apply(before_); }
  void redo() override { session_.apply(after_); }

 private:
  Session& session_;
  Settings before_, after_;
};

Session::Session(std::vector<DeviceDescription> devices, QObject* parent)
    : QObject(parent), devices_(std::move(devices)), undo_(this) {
  if (const auto first = parse_configuration("nf4")) settings_ = *first;
}

void Session::set_checkpoint(const QString& model, std::shared_ptr<const Checkpoint> checkpoint) {
  model_ = model;
  checkpoint_ = std::move(checkpoint);
  update_resolved();
  Q_EMIT checkpoint_changed();
}

const DeviceDescription& Session::device_for(const Settings& settings) const {
  if (checkpoint_ == nullptr) return devices_.front();
  return quantscope::device_for(settings, checkpoint_->model(), checkpoint_->tensors(), devices_,
                                resolve_input(settings));
}

ResolveInput Session::resolve_input(const Settings& settings) const {
  ResolveInput input;
  if (checkpoint_->model().context > 0) input.context = std::min(input.context, checkpoint_->model().context);
  if (settings.context > 0) input.context = settings.context;
  return input;
}

void Session::set_devices(std::vector<DeviceDescription> devices) {
  devices_ = std::move(devices);
  update_resolved();
  Q_EMIT devices_changed();
}

void Session::set_settings(const Settings& settings) {
  if (settings == settings_) return;
  undo_.push(new SettingsChange(*this, settings));
}

void Session::set_tasks(const TaskOptions& tasks) {
  if (tasks == tasks_) return;
  tasks_ = tasks;
  Q_EMIT tasks_changed();
}

tl::expected<Resolved, Conflict> Session::resolve_for(const Settings& settings) const {
  if (checkpoint_ == nullptr) return tl::unexpected(Conflict{"model", tr("No checkpoint is open.").toStdString(), {}});
  return resolve(settings, checkpoint_->model(), checkpoint_->tensors(), device_for(settings), resolve_input(settings));
}

std::vector<Choice> Session::choices_for(std::string_view field) const {
  const ModelDescription nothing;
  const ModelDescription& model = checkpoint_ != nullptr ? checkpoint_->model() : nothing;
  const std::span<const TensorInfo> stored =
      checkpoint_ != nullptr ? checkpoint_->tensors() : std::span<const TensorInfo>();
  return choices(settings_, field, model, stored, device());
}

QString Session::why_not_runnable() const {
  if (checkpoint_ == nullptr) return tr("Open a checkpoint first.");
  if (checkpoint_->is_plan())
    return tr("This is a plan: a config.json without weights. Memory can be forecast, nothing can be run.");
  if (checkpoint_->model().layers == 0) return tr("These are tensors without a model, so nothing can be run.");
  if (tasks_.tasks(settings_).empty()) return tr("Choose at least one task under Data.");
  return {};
}

RunRequest Session::request(const Settings& settings) const {
  RunRequest request;
  request.model = model_.toStdString();
  request.settings = settings;
  request.tasks = tasks_.tasks(compare_all().front());
  return request;
}

std::vector<Settings> Session::compare_all() const {
  std::vector<Settings> list;
  for (const ConfigurationName& name : configuration_names()) {
    auto settings = name.in_compare_all ? parse_configuration(name.name) : Result<Settings>(tl::unexpected(Error{}));
    if (!settings) continue;
    settings->device = settings_.device;
    settings->threads = settings_.threads;
    settings->simd = settings_.simd;
    settings->context = settings_.context;
    list.push_back(*settings);
  }
  return list;
}

void Session::apply(const Settings& settings) {
  settings_ = settings;
  update_resolved();
  Q_EMIT settings_changed();
}

void Session::update_resolved() {
  resolved_.reset();
  conflict_.reset();
  if (checkpoint_ == nullptr || checkpoint_->model().layers == 0) return;
  auto answer = resolve_for(settings_);
  if (answer)
    resolved_ = std::move(*answer);
  else
    conflict_ = answer.error();
}

}  // namespace quantscope::ui
