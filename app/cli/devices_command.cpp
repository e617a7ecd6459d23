// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "core/experiment/devices.h"

namespace quantscope::cli {
namespace {

std::string speed_of(const DeviceDescription& device) {
  if (device.clock == 0 || device.memory_bandwidth == 0) return {};
  return fmt::format(", {} MHz, {} GB/s", device.clock, device.memory_bandwidth / 1'000'000'000);
}

int devices(const Session& session) {
  nlohmann::json list = nlohmann::json::array();
  for (const DeviceDescription& device : available_devices()) {
    list.push_back({{"id", device.id},
                    {"name", device.name},
                    {"dispatch_level", device.dispatch_level},
                    {"dispatch_levels", device.dispatch_levels},
                    {"threads", device.threads},
                    {"memory_total", device.memory_total},
                    {"memory_free", device.memory_free},
                    {"clock_mhz", device.clock},
                    {"memory_bandwidth", device.memory_bandwidth},
                    {"unavailable", device.unavailable}});
    if (session.json) continue;
    if (!device.unavailable.empty())
      fmt::print("{}: {}\n", device.id, device.unavailable);
    else
      fmt::print("{}: {}, {} threads, dispatch level {} of {}, {} of {} free{}\n", device.id, device.name,
                 device.threads, device.dispatch_level, fmt::join(device.dispatch_levels, ", "),
                 mebibytes(device.memory_free), mebibytes(device.memory_total), speed_of(device));
  }
  if (session.json) print_json({{"devices", list}});
  return ExitCode::done;
}

}  // namespace

void add_devices(CLI::App& app, Session& session, Action& chosen) {
  CLI::App* command = app.add_subcommand("devices", "What can compute here, and why not where it cannot");
  command->footer(
      R"(JSON: {"devices": [{"id": "cpu", "dispatch_level": "avx512bf16", "threads": 2, "unavailable": ""}]})");
  command->callback([&session, &chosen] { chosen = [&session] { return devices(session); }; });
}

}  // namespace quantscope::cli
