// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include "core/experiment/settings.h"

class QWidget;

namespace quantscope::ui {

/// Everything about an error as text: what "Copy details" puts on the clipboard.
QString error_details(const Error& error);
/// The message with a "Copy details" button; does not block the caller.
void show_error(QWidget* parent, const Error& error);

}  // namespace quantscope::ui
