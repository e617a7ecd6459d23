// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/file_tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "core/checkpoint/file_damage.h"

namespace quantscope {
namespace {

struct DtypeInfo {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<DtypeInfo, 16> dtypes = {{
    {"F64", 8},
    {"F32", 4},
    {"F16", 2},
    {"BF16", 2},
    {"F8_E4M3", 1},
    {"F8_E5M2", 1},
    {"F8_E8M0", 1},
    {"I64", 8},
    {"I32", 4},
    {"I16", 2},
    {"I8", 1},
    {"U64", 8},
    {"U32", 4},
    {"U16", 2},
    {"U8", 1},
    {"BOOL", 1},
}};

}  // namespace

std::uint64_t dtype_bytes(std::string_view dtype) {
  const auto* found = std::ranges::find(dtypes, dtype, &DtypeInfo::name);
  return found == dtypes.end() ? 0 : found->bytes;
}

FileTensors::FileTensors(std::span<const FileTensor> tensors, std::span<const CheckpointFile> files)
    : tensors_(tensors), files_(files) {
  by_name_.reserve(tensors.size());
  for (const FileTensor& tensor : tensors) by_name_.emplace(tensor.name, &tensor);
}

const FileTensor* FileTensors::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::span<const std::byte> FileTensors::bytes(const FileTensor& tensor) const {
  return files_[tensor.file].mapping.bytes().subspan(tensor.offset, tensor.bytes);
}

const std::filesystem::path& FileTensors::path(const FileTensor& tensor) const {
  return files_[tensor.file].mapping.path();
}

Result<const FileTensor*> FileTensors::companion(const FileTensor& of, const std::string& name) const {
  if (const FileTensor* found = find(name)) return found;
  return fail(ErrorCode::not_found,
              fmt::format("{} has the tensor {} and lacks {}, which belongs to it; download the checkpoint again.",
                          path(of).filename().string(), of.name, name),
              fmt::format("{}, tensor {}", path(of).string(), name));
}

Result<void> FileTensors::expect(const FileTensor& tensor, std::string_view dtype,
                                 std::span<const std::int64_t> shape) const {
  if (tensor.dtype != dtype)
    return damage(tensor, fmt::format("its dtype is {} and its layout asks for {}", tensor.dtype, dtype));
  if (!std::ranges::equal(tensor.shape, shape))
    return damage(tensor, fmt::format("its shape is [{}] and its layout asks for [{}]", fmt::join(tensor.shape, ", "),
                                      fmt::join(shape, ", ")));
  return {};
}

tl::unexpected<Error> FileTensors::damage(const FileTensor& tensor, std::string_view what) const {
  return file_damage(path(tensor), tensor.offset, what, tensor.name);
}

tl::unexpected<Error> FileTensors::unsupported(const FileTensor& tensor, std::string_view what) const {
  return fail(ErrorCode::unsupported, fmt::format("Tensor {} {}.", tensor.name, what),
              fmt::format("{}, tensor {}, byte {}", path(tensor).string(), tensor.name, tensor.offset));
}

}  // namespace quantscope
