// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/layout_writer.h"

#include <fmt/format.h>

#include <cmath>

#include "kernels/formats/dynamic_map.h"
#include "kernels/formats/levels.h"

namespace quantscope {
namespace {

using nlohmann::ordered_json;

bool is_int8(const WeightFormat& format) { return format == int8_row_format(); }

bool is_four_bit(const WeightFormat& format) {
  return format.code_type == CodeType::packed4 && format.scale_layout == ScaleLayout::flat_blocks &&
         (format.levels == Levels::nf4 || format.levels == Levels::fp4);
}

const char* quant_type(const WeightFormat& format) { return format.levels == Levels::nf4 ? "nf4" : "fp4"; }

std::string_view torch_type(DataType type) {
  if (type == DataType::fp16) return "float16";
  return type == DataType::bf16 ? "bfloat16" : "float32";
}

std::string_view torch_type(ComputeType type) {
  if (type == ComputeType::fp16) return "float16";
  return type == ComputeType::bf16 ? "bfloat16" : "float32";
}

ordered_json state_fields(const LayoutWeight& weight) {
  ordered_json state = {{"quant_type", quant_type(weight.format)},
                        {"blocksize", weight.format.block_size},
                        {"dtype", torch_type(weight.source_type)},
                        {"shape", {weight.rows, weight.columns}}};
  if (weight.format.nested_scales) {
    state["nested_blocksize"] = nested_block_size;
    state["nested_dtype"] = "float32";
  }
  return state;
}

/// The number of characters of the offset depends on its value, which is not known when sizes are declared: the text is
/// padded with blanks, which JSON allows.
constexpr std::size_t longest_offset = 48;

std::size_t state_bytes(const LayoutWeight& weight) {
  return state_fields(weight).dump().size() + (weight.format.nested_scales ? longest_offset : 0);
}

std::string state_text(const LayoutWeight& weight, float offset) {
  ordered_json state = state_fields(weight);
  if (weight.format.nested_scales) state["nested_offset"] = static_cast<double>(offset);
  std::string text = state.dump();
  text.resize(std::max(text.size(), state_bytes(weight)), ' ');
  return text;
}

std::vector<TensorDeclaration> declare_int8(const LayoutWeight& weight) {
  const std::string module = module_of(weight.name);
  const auto rows = static_cast<std::uint64_t>(weight.rows), columns = static_cast<std::uint64_t>(weight.columns);
  return {{weight.name, "I8", {weight.rows, weight.columns}, rows * columns},
          {module + ".SCB", "F32", {weight.rows}, 4 * rows},
          {module + ".weight_format", "U8", {}, 1}};
}

std::vector<TensorDeclaration> declare_4bit(const LayoutWeight& weight) {
  const FormatBytes bytes = format_bytes(weight.format, weight.rows, weight.columns);
  const std::int64_t blocks = scale_count(weight.format, weight.rows, weight.columns);
  const auto text = static_cast<std::int64_t>(state_bytes(weight));
  const auto size = [](std::int64_t count) { return static_cast<std::uint64_t>(count); };
  const bool nested = weight.format.nested_scales;
  std::vector<TensorDeclaration> list = {
      {weight.name, "U8", {bytes.codes, 1}, size(bytes.codes)},
      {weight.name + ".absmax", nested ? "U8" : "F32", {blocks}, size(nested ? blocks : 4 * blocks)},
      {weight.name + ".quant_map", "F32", {16}, 64}};
  if (nested) {
    const std::int64_t groups = (blocks + nested_block_size - 1) / nested_block_size;
    list.push_back({weight.name + ".nested_absmax", "F32", {groups}, size(4 * groups)});
    list.push_back({weight.name + ".nested_quant_map", "F32", {dynamic_map_size}, sizeof dynamic_map});
  }
  list.push_back({fmt::format("{}.quant_state.bitsandbytes__{}", weight.name, quant_type(weight.format)),
                  "U8",
                  {text},
                  size(text)});
  return list;
}

Result<void> append_4bit(const LayoutWeight& weight, const QuantizedTensor& tensor, SafetensorsWriter& file) {
  auto levels = levels_table(weight.format.levels);
  for (float& level : levels.values) level += 0.0F;  // bitsandbytes keeps +0 for FP4's code 8
  for (const TaggedBuffer* part : {&tensor.codes, &tensor.scales})
    if (auto done = file.append({part->data(), part->size()}); !done) return done;
  if (auto done = file.append_values<float>(levels.values); !done) return done;
  if (weight.format.nested_scales) {
    const auto nested = tensor.nested_absmax.as<float>();
    if (!std::isfinite(tensor.nested_offset()))
      return fail(ErrorCode::unsupported,
                  fmt::format("{} holds infinite values or NaN, whose double quantization bitsandbytes cannot store; "
                              "choose NF4 without double quantization.",
                              weight.name));
    if (auto done = file.append_values(nested.first(nested.size() - 1)); !done) return done;
    if (auto done = file.append_values<float>(dynamic_map.values); !done) return done;
  }
  return file.append_values<char>(state_text(weight, tensor.nested_offset()));
}

class BitsandbytesWriter final : public LayoutWriter {
 public:
  explicit BitsandbytesWriter(ComputeType compute) : compute_(compute) {}

  Result<std::vector<TensorDeclaration>> declare(const LayoutWeight& weight) const override;
  Result<void> append(const LayoutWeight& weight, const QuantizedTensor& tensor,
                      SafetensorsWriter& file) const override;
  ordered_json config(const std::vector<LayoutWeight>& weights,
                      const std::vector<std::string>& plain_modules) const override;

 private:
  ComputeType compute_;
};

Result<std::vector<TensorDeclaration>> BitsandbytesWriter::declare(const LayoutWeight& weight) const {
  if (is_int8(weight.format)) return declare_int8(weight);
  if (is_four_bit(weight.format)) return declare_4bit(weight);
  return fail(ErrorCode::unsupported,
              fmt::format("bitsandbytes stores NF4, FP4 and INT8 by row, and {} is in another format; choose nf4, fp4 "
                          "or int8.",
                          weight.name),
              weight.name);
}

Result<void> BitsandbytesWriter::append(const LayoutWeight& weight, const QuantizedTensor& tensor,
                                        SafetensorsWriter& file) const {
  if (is_four_bit(weight.format)) return append_4bit(weight, tensor, file);
  for (const TaggedBuffer* part : {&tensor.codes, &tensor.scales})
    if (auto done = file.append({part->data(), part->size()}); !done) return done;
  constexpr std::byte row_major[] = {std::byte{0}};
  return file.append(row_major);
}

/// The fields of transformers' BitsAndBytesConfig. A list of skipped modules replaces the library's own, which leaves
/// out the head.
ordered_json BitsandbytesWriter::config(const std::vector<LayoutWeight>& weights,
                                        const std::vector<std::string>& plain_modules) const {
  const WeightFormat format = weights.empty() ? WeightFormat{} : weights.front().format;
  const bool four = is_four_bit(format);
  ordered_json skipped = nullptr;
  if (!plain_modules.empty()) {
    skipped = plain_modules;
    skipped.push_back("lm_head");
  }
  return {{"_load_in_4bit", four},
          {"_load_in_8bit", !four},
          {"bnb_4bit_compute_dtype", torch_type(compute_)},
          {"bnb_4bit_quant_storage", "uint8"},
          {"bnb_4bit_quant_type", four ? quant_type(format) : "fp4"},
          {"bnb_4bit_use_double_quant", format.nested_scales},
          {"llm_int8_enable_fp32_cpu_offload", false},
          {"llm_int8_has_fp16_weight", false},
          {"llm_int8_skip_modules", skipped},
          {"llm_int8_threshold", 6.0},
          {"load_in_4bit", four},
          {"load_in_8bit", !four},
          {"quant_method", "bitsandbytes"}};
}

}  // namespace

std::unique_ptr<LayoutWriter> bitsandbytes_writer(ComputeType compute) {
  return std::make_unique<BitsandbytesWriter>(compute);
}

std::string module_of(std::string_view weight_name) {
  return std::string(weight_name.substr(0, weight_name.rfind('.')));
}

}  // namespace quantscope
