// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/library_codes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "kernels/formats/fp4.h"
#include "kernels/formats/half.h"
#include "kernels/formats/levels.h"

namespace quantscope::testing {
namespace {

std::int8_t int8_code(float value, float absmax) {
  const float weight = fp16_to_fp32(fp32_to_fp16(value));
  return static_cast<std::int8_t>(std::lrint(weight * ((1.0F / absmax) * 127.0F)));
}

/// bitsandbytes/backends/default/ops.py: bucketize among the midpoints of the sorted levels.
class SortedLevels {
 public:
  SortedLevels() {
    const auto table = levels_table(Levels::fp4);
    const float* levels = table.values;
    std::iota(codes_.begin(), codes_.end(), std::uint8_t{0});
    std::stable_sort(codes_.begin(), codes_.end(), [&](auto a, auto b) { return levels[a] < levels[b]; });
    for (std::size_t i = 0; i + 1 < codes_.size(); ++i)
      midpoints_[i] = (levels[codes_[i]] + levels[codes_[i + 1]]) * 0.5F;
  }

  std::uint8_t code(float value, float absmax) const {
    const float scaled = std::clamp(value * (1.0F / std::max(absmax, 1e-38F)), -1.0F, 1.0F);
    return codes_[static_cast<std::size_t>(std::lower_bound(midpoints_.begin(), midpoints_.end(), scaled) -
                                           midpoints_.begin())];
  }

 private:
  std::array<std::uint8_t, 16> codes_{};
  std::array<float, 15> midpoints_{};
};

std::int64_t exchange_int8(QuantizedTensor& tensor, const std::vector<float>& source) {
  std::int64_t moved = 0;
  const auto absmax = tensor.scales.as<float>();
  auto codes = tensor.codes.as<std::int8_t>();
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::int8_t code = int8_code(source[i], absmax[i / static_cast<std::size_t>(tensor.columns)]);
    moved += code == codes[i] ? 0 : 1;
    codes[i] = code;
  }
  return moved;
}

std::int64_t exchange_fp4(QuantizedTensor& tensor, const std::vector<float>& source) {
  static const SortedLevels sorted;
  std::int64_t moved = 0;
  const auto absmax = tensor.scales.as<float>();
  const auto table = levels_table(Levels::fp4);
  const float* levels = table.values;
  auto bytes = tensor.codes.as<std::uint8_t>();
  for (std::size_t i = 0; i < source.size(); ++i) {
    const std::uint8_t code = sorted.code(source[i], absmax[i / static_cast<std::size_t>(tensor.format.block_size)]);
    const int shift = i % 2 == 0 ? 4 : 0;
    moved += levels[(bytes[i / 2] >> shift) & 15] == levels[code] ? 0 : 1;
    bytes[i / 2] = static_cast<std::uint8_t>((bytes[i / 2] & (0xF0 >> shift)) | (code << shift));
  }
  return moved;
}

}  // namespace

MovedCodes take_cpu_library_codes(LoadedModel& model) {
  MovedCodes count;
  for (std::size_t i = 0; i < model.model->entries().size(); ++i) {
    const Model::Entry& entry = model.model->entries()[i];
    const Levels levels = entry.plan.format.levels;
    if (levels != Levels::fp4 && levels != Levels::int8) continue;
    auto tensor = value_of(model.backend->download(*entry.weight));
    std::vector<float> source(static_cast<std::size_t>(tensor.rows * tensor.columns));
    const TensorInfo* info = model.checkpoint->find(entry.plan.slot.name);
    if (auto read = model.checkpoint->decode_rows(*info, 0, tensor.rows, source); !read)
      throw std::runtime_error(read.error().message);
    count.total += static_cast<std::int64_t>(source.size());
    count.moved += levels == Levels::fp4 ? exchange_fp4(tensor, source) : exchange_int8(tensor, source);
    value_of(model.model->swap(entry.plan.slot.name, value_of(model.backend->upload(std::move(tensor)))));
  }
  return count;
}

}  // namespace quantscope::testing
