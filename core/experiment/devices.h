// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/experiment/settings.h"
#include "kernels/backend.h"

namespace quantscope {

/// The devices of this machine, the CPU first; one that cannot be used says why.
std::vector<DeviceDescription> available_devices();

/// The device that settings ask for: the one they name, or for "auto" the CPU, where numbers are proven. When no device
/// has that name it is the first one, and `resolve` refuses the settings. Precondition: devices is not empty.
const DeviceDescription& device_for(const Settings& settings, std::span<const DeviceDescription> devices);

/// Starts the device that settings ask for, with their threads and dispatch level.
Result<std::unique_ptr<Backend>> open_device(const Settings& settings);

}  // namespace quantscope
