// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QUndoStack>
#include <memory>
#include <optional>

#include "core/checkpoint/checkpoint.h"
#include "core/experiment/devices.h"
#include "core/experiment/resolve.h"
#include "ui/models/task_options.h"

namespace quantscope::ui {

/// What the window is about: a checkpoint, the settings for the next run and what it is asked. Knows at once what the
/// settings would do.
class Session : public QObject {
  Q_OBJECT

 public:
  /// `devices` of this machine, the CPU first; not empty.
  explicit Session(std::vector<DeviceDescription> devices, QObject* parent = nullptr);

  /// `model` is what a RunRequest names: a path or "default".
  void set_checkpoint(const QString& model, std::shared_ptr<const Checkpoint> checkpoint);
  const QString& model() const { return model_; }
  const std::shared_ptr<const Checkpoint>& checkpoint() const { return checkpoint_; }
  const std::vector<DeviceDescription>& devices() const { return devices_; }
  /// The one that the settings ask for; the CPU while no checkpoint is open.
  const DeviceDescription& device() const { return device_for(settings_); }
  const DeviceDescription& device_for(const Settings& settings) const;
  /// The same devices asked again: their free memory changes.
  void set_devices(std::vector<DeviceDescription> devices);

  const Settings& settings() const { return settings_; }
  /// Undoable.
  void set_settings(const Settings& settings);
  QUndoStack& undo_stack() { return undo_; }

  const TaskOptions& tasks() const { return tasks_; }
  void set_tasks(const TaskOptions& tasks);

  /// What would run: null before a checkpoint is open, and when there is a conflict.
  const Resolved* resolved() const { return resolved_ ? &*resolved_ : nullptr; }
  const std::optional<Conflict>& conflict() const { return conflict_; }
  /// The answer for other settings on the same checkpoint and device.
  tl::expected<Resolved, Conflict> resolve_for(const Settings& settings) const;
  std::vector<Choice> choices_for(std::string_view field) const;
  /// Why nothing can be run now; empty when it can.
  QString why_not_runnable() const;
  /// A request with the present tasks.
  RunRequest request(const Settings& settings) const;
  /// The configurations of "Compare all" on the present device.
  std::vector<Settings> compare_all() const;

 Q_SIGNALS:
  void devices_changed();
  void checkpoint_changed();
  void settings_changed();
  void tasks_changed();

 private:
  friend class SettingsChange;
  void apply(const Settings& settings);
  /// Precondition: a checkpoint is open.
  ResolveInput resolve_input(const Settings& settings) const;
  void update_resolved();

  std::vector<DeviceDescription> devices_;
  QString model_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  Settings settings_;
  TaskOptions tasks_;
  std::optional<Resolved> resolved_;
  std::optional<Conflict> conflict_;
  QUndoStack undo_;
};

}  // namespace quantscope::ui
