// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <stop_token>

#include "kernels/error.h"

namespace quantscope {

/// Bytes a second that `threads` threads together read from main memory: the best of five passes over more memory than
/// any cache holds (four times the last level, 256 MiB to 1 GiB) in blocks of 4 MiB. What a step of generation that
/// reads every weight once is measured by. Takes about a second and that memory; fails with out_of_memory or, within
/// milliseconds, cancelled.
Result<double> measure_read_bandwidth(int threads, const std::stop_token& stop);

}  // namespace quantscope
