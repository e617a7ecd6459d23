// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "core/experiment/settings.h"
#include "kernels/backend.h"

namespace quantscope {

/// The devices of this machine, the CPU first; one that cannot be used says why.
std::vector<DeviceDescription> available_devices();

/// Starts the device that settings name, with their threads and dispatch level; "auto" is the CPU here, as choosing a
/// GPU needs the model (device_for() in resolve.h).
Result<std::unique_ptr<Backend>> open_device(const Settings& settings);

}  // namespace quantscope
