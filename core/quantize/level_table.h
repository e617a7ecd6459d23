// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/formats/data_type.h"

namespace quantscope {

/// The values a code can stand for, relative to a scale of 1 (the absmax of the block), and where a value changes code.
struct LevelTable {
  std::string name;               ///< "NF4"
  std::vector<float> levels;      ///< ascending, without repetitions
  std::vector<float> thresholds;  ///< levels.size() - 1 values, ascending: between levels[i] and levels[i + 1]
};

/// The table of a 4- or 8-bit type; empty for dense types.
LevelTable level_table(DataType type);

/// Root of the expected squared error of normally distributed weights in blocks of `block_size` that are scaled by
/// their absmax, relative to the root of their mean square. The integral over each cell is exact, the one over the
/// distribution of the absmax numeric.
double expected_relative_error(const LevelTable& table, std::int64_t block_size);

}  // namespace quantscope
