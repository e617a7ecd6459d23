// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include "core/experiment/resolve.h"

namespace quantscope::ui {

/// Settings by the field names of `choices`.
std::string field_value(const Settings& settings, const std::string& field);
Result<Settings> with_choice(const Settings& settings, const std::string& field, const std::string& value);
/// The text a control shows for a value: "NF4" for "nf4".
QString value_label(const std::string& field, const std::string& value);

/// Rich text: the summary, the reasons behind it as a list, or the conflict and what would work.
QString outcome_text(const Resolved& resolved);
QString reasons_text(const Resolved& resolved);
QString conflict_text(const Conflict& conflict);

}  // namespace quantscope::ui
