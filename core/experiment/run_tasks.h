// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/experiment/run_job.h"
#include "core/model/decoder.h"

namespace quantscope {

/// Runs the KL base where windows are missing. Before the model is loaded, so that the base's blocks are gone by then.
Result<void> prepare_kl_base(RunJob& job);

/// What is left of one task; finished items are told and kept as they come. Cancelled when stopped.
Result<void> run_task(RunJob& job, Decoder& decoder, const Task& task);

/// Tells the observer the items that were stored before.
void tell_stored_items(const RunJob& job);

/// Raises the result's peaks to those of the ledger, the process and the device.
void measure_memory(RunJob& job);

}  // namespace quantscope
