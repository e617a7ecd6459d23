// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/experiment/run_result.h"

/// Evaluation results as JSON values; the readers throw nlohmann's exceptions, which run_result_from_json() turns into
/// an Error. Internal to this room.
namespace quantscope {

nlohmann::json qa_to_json(const QaOutcome& outcome);
nlohmann::json perplexity_to_json(const PerplexityOutcome& outcome);
nlohmann::json kl_to_json(const KlOutcome& outcome);

/// Without their answers and windows, which are read one by one.
Result<QaOutcome> qa_from_json(const nlohmann::json& value);
Result<PerplexityOutcome> perplexity_from_json(const nlohmann::json& value);
Result<KlOutcome> kl_from_json(const nlohmann::json& value);
QaAnswer answer_from_json(const nlohmann::json& value);
PerplexityChunk perplexity_chunk_from_json(const nlohmann::json& value);
KlChunk kl_chunk_from_json(const nlohmann::json& value);

nlohmann::json speed_to_json(const SpeedResult& speed);
SpeedResult speed_from_json(const nlohmann::json& value);

}  // namespace quantscope
