// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/devices.h"

#include <fmt/format.h>

#include <charconv>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/plugin/plugin_loader.h"

namespace quantscope {
namespace {

/// "cuda" and "cuda:0" are the first GPU; -1 for anything else.
int cuda_index(std::string_view device) {
  if (device == "cuda") return 0;
  if (!device.starts_with("cuda:")) return -1;
  int index = -1;
  const char* end = device.data() + device.size();
  const auto [rest, error] = std::from_chars(device.data() + 5, end, index);
  return error == std::errc() && rest == end ? index : -1;
}

}  // namespace

std::vector<DeviceDescription> available_devices() {
  std::vector<DeviceDescription> devices = {describe_cpu()};
  for (DeviceDescription& device : cuda_devices()) devices.push_back(std::move(device));
  return devices;
}

Result<std::unique_ptr<Backend>> open_device(const Settings& settings) {
  if (settings.device == "auto" || settings.device == "cpu")
    return create_cpu_backend({settings.threads, settings.simd});
  const int index = cuda_index(settings.device);
  if (index >= 0) return create_cuda_backend(index);
  return fail(ErrorCode::invalid_argument,
              fmt::format("There is no device {}; there are cpu and cuda:N.", settings.device), "device");
}

}  // namespace quantscope
