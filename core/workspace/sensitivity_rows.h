// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "core/experiment/sensitivity.h"
#include "core/workspace/database.h"

/// Rows of the tables sensitivity_run and sensitivity. Functions that write expect to be in a transaction.
namespace quantscope {

/// The id of the measurement with this sensitivity_key(); it and its rows are noted if they are new. Rows of `planned`
/// get the figures that are stored of them.
Result<std::int64_t> begin_sensitivity(Database& database, SensitivityMeasurement& planned);

/// Stores the figures of a row that begin_sensitivity() noted.
Result<void> write_sensitivity(Database& database, std::int64_t measurement, const SensitivityRow& row);

/// Every measurement in the order in which they began, its rows by expected_effect().
Result<std::vector<SensitivityMeasurement>> read_sensitivities(const Database& database);

}  // namespace quantscope
