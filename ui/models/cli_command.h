// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include "core/experiment/run_request.h"

namespace quantscope::ui {

/// The commands that repeat a run in a shell, one line a task.
QString cli_command(const RunRequest& request);

}  // namespace quantscope::ui
