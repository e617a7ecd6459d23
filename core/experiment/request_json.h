// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/experiment/run_request.h"

/// Requests as JSON values; run_result_json.cpp embeds them, run_request.cpp prints them. Internal to this room.
namespace quantscope {

nlohmann::json settings_to_json(const Settings& settings);
Result<Settings> settings_from_json(const nlohmann::json& json);
nlohmann::json task_to_json(const Task& task);
Result<Task> task_from_json(const nlohmann::json& json);
nlohmann::json request_to_json(const RunRequest& request);
Result<RunRequest> request_from_json(const nlohmann::json& json);

}  // namespace quantscope
