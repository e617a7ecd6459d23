// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/evaluate/speed.h"
#include "core/experiment/resolve.h"
#include "core/model/model.h"
#include "kernels/plugin/plugin_loader.h"
#include "tests/benchmarks/gpu/attention_speed.h"
#include "tests/benchmarks/gpu/must.h"
#include "tests/benchmarks/gpu/random_checkpoint.h"
#include "tests/benchmarks/gpu/roofline.h"

/// Times the first GPU with a model in the shape of Llama-3.2-1B and prints each figure beside what the GPU itself can
/// do: its copy bandwidth and its rate of bf16 matrix products. Before that, attention of prompts by itself.
///
///   gpu_benchmark [CONFIGURATION...]     default: bf16 fp16 nf4 nf4-dq int8-weight int8
namespace quantscope::benchmarks {
namespace {
constexpr std::int64_t generated_tokens = 128;
constexpr std::int64_t prompts[] = {512, 2048};
constexpr int repetitions = 3;

/// Bytes that one step of generation reads at least: linears and head.
double step_bytes(const Model& model) {
  double bytes = 0;
  for (const Model::Entry& entry : model.entries()) {
    const WeightSlot& slot = entry.plan.slot;
    const FormatBytes size = format_bytes(entry.plan.format, slot.rows, slot.columns);
    bytes += static_cast<double>(size.codes + size.scales);
  }
  return bytes;  // the tied embedding is the head
}

/// Operations of the linears per prompt token.
double token_flops(const Model& model) {
  double flops = 0;
  for (const Model::Entry& entry : model.entries()) {
    const WeightSlot& slot = entry.plan.slot;
    if (slot.role == WeightRole::linear) flops += 2.0 * static_cast<double>(slot.rows * slot.columns);
  }
  return flops;
}

void time_configuration(const BackendPlugin& plugin, const std::string& name, const Roofline& roofline) {
  const auto checkpoint = random_llama_1b();
  auto backend = must(plugin.create(0));
  const Settings settings = must(parse_configuration(name));
  const std::int64_t context = prompts[1] + generated_tokens + 64;
  auto resolved =
      resolve(settings, checkpoint->model(), checkpoint->tensors(), backend->description(), {context, prompts[1]});
  if (!resolved) throw std::runtime_error(resolved.error().why);
  const auto model = must(Model::load(*checkpoint, resolved->plan, *backend, {}, {}));
  const auto decoder = must(Decoder::create(*model, resolved->plan.kv_type, context, prompts[1]));
  for (const std::int64_t prompt : prompts) {
    const auto speed = must(measure_speed(*decoder, {prompt, generated_tokens, repetitions}, {}, {}));
    const double steps = speed.generation_tokens_per_second.median;
    const double tokens = speed.prompt_tokens_per_second.median;
    fmt::print("| {:<12} | {:>5} | {:>7.0f} | {:>3.0f} % | {:>8.0f} | {:>3.0f} % | {:>6.3f} |\n", name, prompt, steps,
               100 * steps * step_bytes(*model) / roofline.copy_bytes_per_second, tokens,
               100 * tokens * token_flops(*model) / roofline.bf16_flops_per_second, model->load_seconds());
    std::fflush(stdout);
  }
}

/// Attention alone, in the shapes of Llama-3.2-1B and Llama-3.1-8B.
void time_attention(const BackendPlugin& plugin, const Roofline& roofline) {
  fmt::print(
      "| attention of a prompt | heads | KV type | prompt | TFLOP/s | of bf16 rate |\n|---|---|---|---|---|---|\n");
  for (const std::int64_t head_dim : {64, 128}) {
    for (const DataType type : {DataType::bf16, DataType::fp16}) {
      for (const std::int64_t prompt : {512, 2048, 8192}) {
        const auto backend = must(plugin.create(0));
        const double rate = must(attention_flops_per_second(*backend, {32, 8, head_dim, prompt, type}));
        fmt::print("| one layer | 32 of {}, 8 KV | {} | {} | {:.1f} | {:.0f} % |\n", head_dim,
                   data_type_info(type).name, prompt, rate * 1e-12, 100 * rate / roofline.bf16_flops_per_second);
        std::fflush(stdout);
      }
    }
  }
  fmt::print("\n");
}

int run(std::vector<std::string> names) {
  if (names.empty()) names = {"bf16", "fp16", "nf4", "nf4-dq", "int8-weight", "int8"};
  const char* const named = std::getenv("QUANTSCOPE_CUDA_PLUGIN");
  const auto plugin = must(BackendPlugin::open(named != nullptr ? named : CUDA_PLUGIN));
  const std::string reason = plugin.devices().front().unavailable;
  if (!reason.empty()) {
    fmt::print("not measured: {}\n", reason);
    return 77;
  }
  const Roofline roofline = measure_roofline();
  fmt::print(
      "{}: copy {:.0f} GB/s, read {:.0f} GB/s, bf16 products {:.0f} TFLOP/s, upload {:.1f} GB/s; launch {:.2f} us, "
      "graph "
      "node {:.2f} us, overlapped {:.2f} us\n\n",
      roofline.device, roofline.copy_bytes_per_second * 1e-9, roofline.read_bytes_per_second * 1e-9,
      roofline.bf16_flops_per_second * 1e-12, roofline.upload_bytes_per_second * 1e-9, roofline.launch_seconds * 1e6,
      roofline.graph_node_seconds * 1e6, roofline.overlapped_node_seconds * 1e6);
  time_attention(plugin, roofline);
  fmt::print(
      "| weights      | prompt | generated tokens/s | of copy bandwidth | prompt tokens/s | of bf16 rate | load s |\n");
  fmt::print("|---|---|---|---|---|---|---|\n");
  for (const std::string& name : names) {
    try {
      time_configuration(plugin, name, roofline);
    } catch (const std::exception& error) {
      fmt::print("| {} | failed: {} |\n", name, error.what());
    }
  }
  return 0;
}
}  // namespace
}  // namespace quantscope::benchmarks

int main(int argc, char** argv) {
  try {
    return quantscope::benchmarks::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print("not measured: {}\n", error.what());
    return 1;
  }
}
