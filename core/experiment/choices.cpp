// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/resolve.h"
#include "core/experiment/setting_rules.h"

namespace quantscope {
namespace {

/// A value a control can take and the settings with it taken.
struct Candidate {
  std::string value;
  Settings settings;
};

template <class Change>
void add(std::vector<Candidate>& list, const Settings& base, std::string value, Change change) {
  Candidate candidate{std::move(value), base};
  change(candidate.settings);
  list.push_back(std::move(candidate));
}

/// Changing the type moves the method along with it, as the short names do.
void take_type(Settings& settings, DataType type) {
  const bool of_library = type == DataType::nf4 || type == DataType::fp4 || type == DataType::int8;
  const Method method = settings.method;
  settings.type = type;
  settings.weight_only_int8 = false;
  if (method == Method::none || method == Method::bitsandbytes || method == Method::as_stored)
    settings.method = of_library ? Method::bitsandbytes : Method::none;
  settings.compute.reset();
  settings.kv_type.reset();
  if (data_type_info(type).bits != 4) {
    settings.block_size.reset();
    settings.double_quantization = false;
  }
  if (is_dense(type) && settings.head == HeadPolicy::same) settings.head = HeadPolicy::keep;
}

/// As stored, nothing is left to choose for the weights.
void take_method(Settings& settings, Method method) {
  settings.method = method;
  // LLM.int8() and its weight-only sister share a type; the method tells them apart.
  if (settings.type == DataType::int8) settings.weight_only_int8 = method == Method::none;
  if (method != Method::as_stored) return;
  settings.type = DataType::fp32;
  settings.weight_only_int8 = false;
  settings.block_size.reset();
  settings.double_quantization = false;
  settings.compute.reset();
  settings.kv_type.reset();
  settings.scope = "linears";
  settings.head = HeadPolicy::keep;
  settings.overrides.clear();
}

void add_vocabulary_fields(std::vector<Candidate>& list, const Settings& base, std::string_view field) {
  if (field == "scope")
    for (const char* value : {"linears", "all"}) add(list, base, value, [&](Settings& s) { s.scope = value; });
  if (field == "head") {
    add(list, base, "keep", [](Settings& s) { s.head = HeadPolicy::keep; });
    add(list, base, "int8", [](Settings& s) { s.head = HeadPolicy::int8; });
    add(list, base, "same", [](Settings& s) { s.head = HeadPolicy::same; });
  }
}

std::vector<Candidate> candidates(const Settings& base, std::string_view field, const DeviceDescription& device) {
  std::vector<Candidate> list;
  if (field == "method")
    for (const Method method :
         {Method::none, Method::bitsandbytes, Method::gptq, Method::awq, Method::hqq, Method::as_stored})
      add(list, base, std::string(method_name(method)), [&](Settings& s) { take_method(s, method); });
  if (field == "type")
    for (const DataTypeInfo& info : data_types)
      add(list, base, std::string(info.name), [&](Settings& s) { take_type(s, info.type); });
  if (field == "block_size")
    for (const std::int64_t size : block_sizes)
      add(list, base, std::to_string(size), [&](Settings& s) { s.block_size = size; });
  if (field == "double_quantization")
    for (const bool on : {false, true})
      add(list, base, on ? "on" : "off", [&](Settings& s) { s.double_quantization = on; });
  if (field == "weight_only_int8")
    for (const bool on : {false, true})
      add(list, base, on ? "on" : "off", [&](Settings& s) {
        s.weight_only_int8 = on;
        s.method = on ? Method::none : Method::bitsandbytes;
      });
  if (field == "compute")
    for (const ComputeType compute : {ComputeType::fp32, ComputeType::fp16, ComputeType::bf16})
      add(list, base, std::string(compute_name(compute)), [&](Settings& s) { s.compute = compute; });
  if (field == "kv_type")
    for (const DataType type : {DataType::fp32, DataType::fp16, DataType::bf16})
      add(list, base, std::string(data_type_info(type).name), [&](Settings& s) { s.kv_type = type; });
  if (field == "simd") {
    add(list, base, "auto", [](Settings& s) { s.simd = "auto"; });
    for (const std::string& level : device.dispatch_levels)
      add(list, base, level, [&](Settings& s) { s.simd = level; });
  }
  add_vocabulary_fields(list, base, field);
  return list;
}

}  // namespace

Settings with_type(Settings settings, DataType type) {
  take_type(settings, type);
  return settings;
}

Settings with_method(Settings settings, Method method) {
  take_method(settings, method);
  return settings;
}

std::vector<Choice> choices(const Settings& settings, std::string_view field, const ModelDescription& model,
                            std::span<const TensorInfo> stored, const DeviceDescription& device) {
  std::vector<Choice> result;
  for (const Candidate& candidate : candidates(settings, field, device)) {
    const auto conflict = first_conflict({candidate.settings, model, stored, device});
    result.push_back({candidate.value, !conflict, conflict ? conflict->why : std::string()});
  }
  return result;
}

}  // namespace quantscope
