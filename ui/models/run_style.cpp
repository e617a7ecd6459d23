// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/run_style.h"

namespace quantscope::ui {
namespace {

/// Whether the data type of the settings says what the weights are.
bool has_one_type(const RunEntry& run) { return !is_imported(run) && run.request.settings.method != Method::as_stored; }

}  // namespace

QString run_label(const RunEntry& run) {
  if (is_imported(run)) return QString::fromStdString(run_name(*run.result));
  const QString configuration = QString::fromStdString(configuration_label(run.request.settings));
  return run.model_label.isEmpty() ? configuration : run.model_label + u' ' + configuration;
}

QColor run_color(const RunEntry& run) {
  return has_one_type(run) ? type_color(run.request.settings.type) : mixed_color();
}

Marker run_marker(const RunEntry& run) {
  return has_one_type(run) ? type_marker(run.request.settings.type) : Marker::plus;
}

}  // namespace quantscope::ui
