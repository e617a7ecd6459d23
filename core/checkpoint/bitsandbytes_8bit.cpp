// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/bitsandbytes_8bit.h"

#include <fmt/format.h>

#include <cstring>

#include "kernels/formats/int8.h"

namespace quantscope {
namespace {

class Bitsandbytes8bitWeight final : public StoredWeight {
 public:
  Bitsandbytes8bitWeight(std::int64_t rows, std::int64_t columns, std::span<const std::byte> codes,
                         std::span<const std::byte> absmax)
      : rows_(rows), columns_(columns), codes_(codes), absmax_(absmax) {}

  Result<QuantizedTensor> read(MemoryLedger& ledger, MemoryTag codes_tag) const override {
    auto tensor = QuantizedTensor::allocate(ledger, rows_, columns_, int8_row_format(), codes_tag);
    if (!tensor) return tensor;
    std::memcpy(tensor->codes.data(), codes_.data(), codes_.size());
    std::memcpy(tensor->scales.data(), absmax_.data(), absmax_.size());
    return tensor;
  }

  Result<void> decode_rows(std::int64_t first_row, std::int64_t row_count, std::span<float> values) const override {
    const auto* codes = reinterpret_cast<const std::int8_t*>(codes_.data()) + first_row * columns_;
    for (std::int64_t row = 0; row < row_count; ++row) {
      float absmax = 0;
      std::memcpy(&absmax, absmax_.data() + 4 * (first_row + row), 4);
      for (std::int64_t k = row * columns_; k < (row + 1) * columns_; ++k)
        values[static_cast<std::size_t>(k)] = decode_int8(codes[k], absmax);
    }
    return {};
  }

 private:
  std::int64_t rows_, columns_;
  std::span<const std::byte> codes_, absmax_;
};

Result<void> check_weight_format(const FileTensors& tensors, const FileTensor* format) {
  if (format == nullptr) return {};
  if (format->dtype != "U8" || format->bytes != 1) return tensors.damage(*format, "it is not one byte");
  const auto value = std::to_integer<int>(tensors.bytes(*format)[0]);
  if (value == 0) return {};
  return tensors.unsupported(*format, fmt::format("says that the weight has the layout {} of an old GPU; only 0, "
                                                  "row-major, is read, so quantize and save it again",
                                                  value));
}

Result<void> add_weight(const FileTensors& tensors, const FileTensor& scb, QuantizedWeights& found) {
  const std::string module = scb.name.substr(0, scb.name.size() - std::string_view(".SCB").size());
  const auto weight = tensors.companion(scb, module + ".weight");
  if (!weight) return tl::unexpected(weight.error());
  if ((*weight)->dtype != "I8" || (*weight)->shape.size() != 2 || (*weight)->bytes == 0)
    return tensors.damage(**weight, "it is not a matrix of int8, as its SCB asks for");
  const std::int64_t rows = (*weight)->shape[0], columns = (*weight)->shape[1];
  const std::int64_t shape[] = {rows};
  if (auto fits = tensors.expect(scb, "F32", shape); !fits) return fits;
  const FileTensor* format = tensors.find(module + ".weight_format");
  if (auto known = check_weight_format(tensors, format); !known) return known;
  const FileTensor* parts[] = {*weight, &scb, format};
  found.add((*weight)->name, {rows, columns}, int8_row_format(), "bitsandbytes INT8 by row", parts,
            std::make_shared<Bitsandbytes8bitWeight>(rows, columns, tensors.bytes(**weight), tensors.bytes(scb)));
  return {};
}

}  // namespace

Result<void> find_bitsandbytes_8bit(const FileTensors& tensors, QuantizedWeights& found) {
  for (const FileTensor& tensor : tensors.all())
    if (tensor.name.ends_with(".SCB"))
      if (auto added = add_weight(tensors, tensor, found); !added) return added;
  return {};
}

}  // namespace quantscope
