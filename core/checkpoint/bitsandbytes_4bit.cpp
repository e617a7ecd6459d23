// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/bitsandbytes_4bit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/checkpoint/json_document.h"
#include "kernels/formats/dynamic_map.h"
#include "kernels/formats/levels.h"

namespace quantscope {
namespace {

using nlohmann::json;

constexpr std::string_view state_marks[] = {".quant_state.bitsandbytes__nf4", ".quant_state.bitsandbytes__fp4"};

float float_at(std::span<const std::byte> bytes, std::int64_t index) {
  float value = 0;  // the file promises no alignment
  std::memcpy(&value, bytes.data() + 4 * index, 4);
  return value;
}

/// The tensors of one weight; the last two only under double quantization.
struct Parts {
  const FileTensor* weight = nullptr;
  const FileTensor* absmax = nullptr;
  const FileTensor* quant_map = nullptr;
  const FileTensor* state = nullptr;
  const FileTensor* nested_absmax = nullptr;
  const FileTensor* nested_quant_map = nullptr;
};

/// What the JSON of quant_state says.
struct State {
  std::int64_t rows = 0, columns = 0, block_size = 0;
  StoredType source_type = StoredType::f32;  // of the values before quantization
  bool nested = false;
  float offset = 0;
};

/// What decoding needs, all of it checked.
struct Stored {
  std::int64_t rows = 0, columns = 0;
  WeightFormat format;
  std::span<const std::byte> codes, absmax, nested_absmax, nested_map;
  float offset = 0;
  bool map_is_ours = true;  ///< nested_quant_map is dynamic_map bit for bit

  std::int64_t blocks() const { return scale_count(format, rows, columns); }
};

class Bitsandbytes4bitWeight final : public StoredWeight {
 public:
  explicit Bitsandbytes4bitWeight(const Stored& stored)
      : stored_(stored), levels_(levels_table(stored.format.levels)) {}

  Result<QuantizedTensor> read(MemoryLedger& ledger, MemoryTag codes_tag) const override {
    auto tensor = QuantizedTensor::allocate(ledger, stored_.rows, stored_.columns, stored_.format, codes_tag);
    if (!tensor) return tensor;
    std::memcpy(tensor->codes.data(), stored_.codes.data(), tensor->codes.size());
    if (stored_.nested_absmax.empty() || stored_.format.nested_scales) {
      std::memcpy(tensor->scales.data(), stored_.absmax.data(), tensor->scales.size());
    } else {
      auto scales = tensor->scales.as<float>();
      for (std::int64_t block = 0; block < stored_.blocks(); ++block)
        scales[static_cast<std::size_t>(block)] = absmax(block);
    }
    if (stored_.format.nested_scales) {
      std::memcpy(tensor->nested_absmax.data(), stored_.nested_absmax.data(), stored_.nested_absmax.size());
      tensor->nested_absmax.as<float>().back() = stored_.offset;
    }
    return tensor;
  }

  Result<void> decode_rows(std::int64_t first_row, std::int64_t, std::span<float> values) const override {
    std::int64_t position = first_row * stored_.columns;
    const std::int64_t end = position + std::ssize(values);
    float* out = values.data();
    while (position < end) {
      const std::int64_t block = position / stored_.format.block_size;
      const std::int64_t stop = std::min(end, (block + 1) * stored_.format.block_size);
      const float scale = absmax(block);
      for (; position < stop; ++position) *out++ = levels_.values[code(position)] * scale;
    }
    return {};
  }

 private:
  unsigned code(std::int64_t position) const {
    const auto byte = std::to_integer<unsigned>(stored_.codes[static_cast<std::size_t>(position / 2)]);
    return position % 2 == 0 ? byte >> 4U : byte & 15U;
  }

  float absmax(std::int64_t block) const {
    if (stored_.nested_absmax.empty()) return float_at(stored_.absmax, block);
    const auto index = std::to_integer<std::int64_t>(stored_.absmax[static_cast<std::size_t>(block)]);
    return decode_nested_absmax(float_at(stored_.nested_map, index),
                                float_at(stored_.nested_absmax, block / nested_block_size), stored_.offset);
  }

  Stored stored_;
  LocalTable<float, 16> levels_;
};

/// Reads the parts of one weight and checks that they fit one another.
class PartsReader {
 public:
  PartsReader(const FileTensors& tensors, const FileTensor& state, std::string weight_name, Levels levels)
      : tensors_(tensors), name_(std::move(weight_name)), levels_(levels) {
    parts_.state = &state;
  }

  Result<void> add_to(QuantizedWeights& found) {
    if (auto read = read_all(); !read) return read;
    const WeightFormat& format = stored_.format;
    std::string layout = fmt::format("bitsandbytes {} block {}{}", levels_ == Levels::nf4 ? "NF4" : "FP4",
                                     format.block_size, state_.nested ? ", double quantization" : "");
    const FileTensor* list[] = {parts_.weight, parts_.absmax,        parts_.quant_map,
                                parts_.state,  parts_.nested_absmax, parts_.nested_quant_map};
    found.add(name_, {state_.rows, state_.columns}, format, std::move(layout), list,
              std::make_shared<Bitsandbytes4bitWeight>(stored_));
    found.weights.back().info.type = state_.source_type;
    return {};
  }

 private:
  Result<void> read_all() {
    const FileTensor* weight = tensors_.find(name_);
    if (weight == nullptr)
      return tensors_.damage(*parts_.state, fmt::format("the weight {} that it describes is missing", name_));
    parts_.weight = weight;
    if (auto parsed = read_state(); !parsed) return parsed;
    if (auto codes = read_codes(); !codes) return codes;
    if (auto map = read_map(); !map) return map;
    return state_.nested ? read_nested() : read_plain_absmax();
  }

  tl::unexpected<Error> bad_field(std::string_view field, std::string_view what) const {
    return tensors_.damage(*parts_.state, fmt::format("its field '{}' {}", field, what));
  }

  Result<std::int64_t> positive(const json& object, const char* field) const {
    const auto value = object.find(field);
    const auto number = value == object.end() ? std::nullopt : whole_number(*value);
    if (!number || *number <= 0) return bad_field(field, "is not a positive whole number");
    return *number;
  }

  Result<void> read_source_type(const json& object) {
    const auto dtype = object.find("dtype");
    if (dtype == object.end() || *dtype == "float32") return {};
    if (*dtype != "float16" && *dtype != "bfloat16")
      return bad_field("dtype", "is none of float32, float16 and bfloat16");
    state_.source_type = *dtype == "float16" ? StoredType::f16 : StoredType::bf16;
    return {};
  }

  Result<void> read_shape(const json& object) {
    const auto shape = object.find("shape");
    if (shape == object.end() || !shape->is_array() || shape->size() != 2)
      return bad_field("shape", "is not a list of two dimensions");
    const auto rows = whole_number((*shape)[0]), columns = whole_number((*shape)[1]);
    std::int64_t count = 0;
    if (!rows || !columns || *rows <= 0 || *columns <= 0 || __builtin_mul_overflow(*rows, *columns, &count))
      return bad_field("shape", "is not made of positive whole numbers");
    state_.rows = *rows;
    state_.columns = *columns;
    return {};
  }

  Result<void> read_nested_state(const json& object) {
    const auto nested_block = positive(object, "nested_blocksize");
    if (!nested_block) return tl::unexpected(nested_block.error());
    if (*nested_block != nested_block_size)
      return tensors_.unsupported(*parts_.state, fmt::format("has nested blocks of {}, and only {} are read",
                                                             *nested_block, nested_block_size));
    const auto offset = object.find("nested_offset");
    if (offset == object.end() || !offset->is_number()) return bad_field("nested_offset", "is not a number");
    state_.offset = static_cast<float>(offset->get<double>());
    if (!std::isfinite(state_.offset)) return bad_field("nested_offset", "is not a float32 number");
    state_.nested = true;
    return {};
  }

  Result<void> read_state() {
    if (parts_.state->dtype != "U8" || parts_.state->shape.size() != 1)
      return tensors_.damage(*parts_.state, "it is not a list of bytes");
    const json object = parse_json(tensors_.bytes(*parts_.state));
    if (!object.is_object()) return tensors_.damage(*parts_.state, "it is not a JSON object");
    const auto type = object.find("quant_type");
    if (type == object.end() || !type->is_string() || *type != (levels_ == Levels::nf4 ? "nf4" : "fp4"))
      return bad_field("quant_type", "does not agree with the name of the tensor");
    const auto block = positive(object, "blocksize");
    if (!block) return tl::unexpected(block.error());
    if (*block > std::numeric_limits<std::int32_t>::max()) return bad_field("blocksize", "is above 2^31");
    state_.block_size = *block;
    if (auto source = read_source_type(object); !source) return source;
    if (auto shape = read_shape(object); !shape) return shape;
    if (object.contains("nested_absmax") || object.contains("nested_blocksize") || object.contains("nested_offset"))
      return read_nested_state(object);
    return {};
  }

  /// The bytes may be viewed as any dtype (bnb_4bit_quant_storage); only their number counts.
  Result<void> read_codes() {
    stored_.rows = state_.rows;
    stored_.columns = state_.columns;
    stored_.format =
        block_format(levels_ == Levels::nf4 ? DataType::nf4 : DataType::fp4, state_.block_size, state_.nested);
    const std::int64_t count = state_.rows * state_.columns;
    const std::uint64_t needed = static_cast<std::uint64_t>(count / 2 + count % 2);
    if (parts_.weight->bytes != needed)
      return tensors_.damage(*parts_.weight, fmt::format("it has {} bytes, and its shape [{}, {}] needs {}",
                                                         parts_.weight->bytes, state_.rows, state_.columns, needed));
    stored_.codes = tensors_.bytes(*parts_.weight);
    return {};
  }

  Result<const FileTensor*> companion(const char* suffix) const {
    return tensors_.companion(*parts_.weight, name_ + suffix);
  }

  Result<void> read_map() {
    const auto map = companion(".quant_map");
    if (!map) return tl::unexpected(map.error());
    parts_.quant_map = *map;
    const std::int64_t shape[] = {16};
    if (auto fits = tensors_.expect(**map, "F32", shape); !fits) return fits;
    const auto levels = levels_table(levels_);
    for (int i = 0; i < 16; ++i)
      // Not by bits: bitsandbytes' map of FP4 holds +0 where its kernels decode -0.
      if (float_at(tensors_.bytes(**map), i) != levels.values[i])
        return tensors_.unsupported(**map,
                                    fmt::format("differs from the levels of its type at code {}; only the levels "
                                                "of bitsandbytes are read",
                                                i));
    return {};
  }

  Result<void> read_plain_absmax() {
    const auto absmax = companion(".absmax");
    if (!absmax) return tl::unexpected(absmax.error());
    parts_.absmax = *absmax;
    return read_absmax("F32");
  }

  Result<void> read_absmax(std::string_view dtype) {
    if (parts_.absmax->dtype != dtype || parts_.absmax->shape.size() != 1)
      return tensors_.unsupported(
          *parts_.absmax,
          fmt::format("is no list of {}: bitsandbytes writes such scales when a model is saved after it "
                      "ran on the CPU, and they are damaged; quantize and save it again",
                      dtype == "F32" ? "float32" : "uint8 codes"));
    const std::int64_t shape[] = {stored_.blocks()};
    if (auto fits = tensors_.expect(*parts_.absmax, dtype, shape); !fits) return fits;
    stored_.absmax = tensors_.bytes(*parts_.absmax);
    return {};
  }

  Result<void> read_nested() {
    const auto absmax = companion(".absmax"), nested = companion(".nested_absmax"),
               map = companion(".nested_quant_map");
    for (const auto* part : {&absmax, &nested, &map})
      if (!*part) return tl::unexpected(part->error());
    parts_.absmax = *absmax;
    parts_.nested_absmax = *nested;
    parts_.nested_quant_map = *map;
    if (auto codes = read_absmax("U8"); !codes) return codes;
    const std::int64_t nested_shape[] = {(stored_.blocks() + nested_block_size - 1) / nested_block_size};
    if (auto fits = tensors_.expect(**nested, "F32", nested_shape); !fits) return fits;
    const std::int64_t map_shape[] = {dynamic_map_size};
    if (auto fits = tensors_.expect(**map, "F32", map_shape); !fits) return fits;
    stored_.nested_absmax = tensors_.bytes(**nested);
    stored_.nested_map = tensors_.bytes(**map);
    stored_.offset = state_.offset;
    // Some versions of torch computed a map that differs in last bits; its scales are then kept decoded.
    stored_.format.nested_scales = std::memcmp(stored_.nested_map.data(), dynamic_map.values, sizeof dynamic_map) == 0;
    return {};
  }

  const FileTensors& tensors_;
  std::string name_;
  Levels levels_;
  Parts parts_;
  State state_;
  Stored stored_;
};

}  // namespace

Result<void> find_bitsandbytes_4bit(const FileTensors& tensors, QuantizedWeights& found) {
  for (const FileTensor& tensor : tensors.all())
    for (const std::string_view mark : state_marks) {
      if (!tensor.name.ends_with(mark)) continue;
      std::string name = tensor.name.substr(0, tensor.name.size() - mark.size());
      if (found.used.contains(name))
        return tensors.damage(tensor, fmt::format("the weight {} is described twice", name));
      PartsReader reader(tensors, tensor, std::move(name), mark.ends_with("nf4") ? Levels::nf4 : Levels::fp4);
      if (auto added = reader.add_to(found); !added) return added;
    }
  return {};
}

}  // namespace quantscope
