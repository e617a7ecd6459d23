// SPDX-License-Identifier: GPL-3.0-or-later
// The formats that only checkpoints bring along on the CUDA device: affine codes, FP8 and every type of GGUF files.
#include "tests/kernels/stored_formats.h"

#include <cmath>
#include <cstring>

#include "kernels/cpu/reference/decode.h"
#include "kernels/cpu/reference/operations.h"
#include "tests/cuda_on_host/gpu_test.h"
#include "tests/support/ggml_data.h"

namespace quantscope::testing {
namespace {

/// A format and rows of it: the columns of its matrices are this long.
struct StoredCase {
  std::string name;
  WeightFormat format;
  std::vector<std::int64_t> columns;
};

std::vector<StoredCase> cases() {
  std::vector<StoredCase> list;
  for (const NamedFormat& named : stored_formats()) list.push_back({named.name, named.format, {1, 7, 64, 129, 1100}});
  for (const GgmlTypeInfo& info : ggml_types)
    list.push_back({std::string(info.name), ggml_format(info.type), {info.block_values, 3 * info.block_values}});
  return list;
}

QuantizedTensor tensor_of(MemoryLedger& ledger, std::int64_t rows, std::int64_t columns, const WeightFormat& format) {
  if (format.code_type != CodeType::ggml_blocks) return random_tensor(ledger, rows, columns, format);
  QuantizedTensor tensor = QuantizedTensor::allocate(ledger, rows, columns, format, MemoryTag::codes).value();
  const std::int64_t blocks = rows * columns / ggml_type_info(format.ggml_type).block_values;
  std::ranges::copy(random_ggml_blocks(format.ggml_type, static_cast<std::size_t>(blocks)), tensor.codes.data());
  return tensor;
}

std::vector<float> reference_rows(const QuantizedTensor& tensor, std::int64_t first, std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count * tensor.columns));
  reference::decode_rows(tensor, first, count, values);
  return values;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

bool same_bytes(const TaggedBuffer& a, const TaggedBuffer& b) {
  return a.size() == b.size() && (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

class CudaStoredFormats : public GpuTest {
 protected:
  /// The tensor on the device; it stays on the host as well.
  std::unique_ptr<Weight> upload(const QuantizedTensor& tensor, const std::string& name) {
    auto weight = backend_->upload(tensor_of(backend_->upload_ledger(), tensor.rows, tensor.columns, tensor.format));
    if (!weight) ADD_FAILURE() << name << ": " << weight.error().message;
    return weight ? std::move(*weight) : nullptr;
  }
  void TearDown() override { backend_.reset(); }

  MemoryLedger host_;
  std::unique_ptr<Backend> backend_ = create_gpu();
};

TEST_F(CudaStoredFormats, AreKnown) {
  const auto knows = backend_->description().knows_format;
  ASSERT_NE(knows, nullptr);
  for (const StoredCase& stored : cases()) EXPECT_TRUE(knows(stored.format)) << stored.name;
  WeightFormat five_bits = affine_format(5, 32, ScaleType::float16);
  EXPECT_FALSE(knows(five_bits));
  WeightFormat no_groups = affine_format(4, 0, ScaleType::float16);
  EXPECT_FALSE(knows(no_groups));
}

TEST_F(CudaStoredFormats, DecodeToTheBitsOfTheReferenceAndComeBackAsTheyWere) {
  for (const StoredCase& stored : cases())
    for (const std::int64_t columns : stored.columns) {
      const std::string what = stored.name + ", K " + std::to_string(columns);
      const QuantizedTensor tensor = tensor_of(host_, 19, columns, stored.format);
      const auto weight = upload(tensor, what);
      ASSERT_NE(weight, nullptr);
      std::vector<float> decoded(static_cast<std::size_t>(16 * columns));
      ASSERT_TRUE(backend_->decode(*weight, 2, 16, decoded).has_value()) << what;
      EXPECT_TRUE(same_bits(decoded, reference_rows(tensor, 2, 16))) << what;
      const auto copy = backend_->download(*weight);
      ASSERT_TRUE(copy.has_value());
      EXPECT_TRUE(same_bytes(copy->codes, tensor.codes) && same_bytes(copy->scales, tensor.scales) &&
                  same_bytes(copy->zeros, tensor.zeros) && same_bytes(copy->group_index, tensor.group_index))
          << what;
    }
}

TEST_F(CudaStoredFormats, AreCountedAsTheFormatSays) {
  for (const StoredCase& stored : cases()) {
    const QuantizedTensor tensor = tensor_of(host_, 5, stored.columns.back(), stored.format);
    const auto weight = upload(tensor, stored.name);
    const FormatBytes bytes = format_bytes(stored.format, 5, stored.columns.back());
    EXPECT_EQ(backend_->ledger().current()[MemoryTag::codes], bytes.codes) << stored.name;
    EXPECT_EQ(backend_->ledger().current()[MemoryTag::scales], bytes.scales) << stored.name;
  }
}

TEST_F(CudaStoredFormats, EmbedRowsRoundedToTheComputeType) {
  const std::vector<std::int32_t> ids = {18, 0, 7};
  for (const StoredCase& stored : cases()) {
    const std::int64_t columns = stored.columns.back();
    const QuantizedTensor tensor = tensor_of(host_, 19, columns, stored.format);
    const auto table = upload(tensor, stored.name);
    const auto hidden = create_filled(*backend_, std::vector<float>(static_cast<std::size_t>(3 * columns)), 3);
    for (const ComputeType compute : {ComputeType::fp32, ComputeType::fp16, ComputeType::bf16}) {
      ASSERT_TRUE(backend_->embed(*table, ids, compute, *hidden).has_value());
      std::vector<float> expected;
      for (const std::int32_t id : ids) {
        const auto row = reference::embed(tensor, id, compute);
        expected.insert(expected.end(), row.begin(), row.end());
      }
      EXPECT_TRUE(same_bits(values_of(*backend_, *hidden, 3), expected)) << stored.name;
    }
  }
}

/// One row, three, more than a warp multiplies, and more than few_rows takes; odd sizes among them.
TEST_F(CudaStoredFormats, LinearsAgreeWithTheReference) {
  constexpr std::int64_t outputs = 37;
  for (const StoredCase& stored : cases()) {
    const std::int64_t columns = stored.columns[std::min<std::size_t>(3, stored.columns.size() - 1)];
    const QuantizedTensor tensor = tensor_of(host_, outputs, columns, stored.format);
    const auto weight = upload(tensor, stored.name);
    double largest = 0;
    for (const float value : reference_rows(tensor, 0, outputs))
      largest = std::max(largest, std::abs(static_cast<double>(value)));
    for (const std::int64_t rows : {1, 3, 17, 70}) {
      const auto x = random_values(rows * columns, 2);
      for (const ComputeType compute : {ComputeType::fp32, ComputeType::fp16, ComputeType::bf16}) {
        if (compute == ComputeType::fp16 && largest > 60000) continue;  // FP16 has no such values
        Linear linear;
        linear.weight = weight.get();
        linear.compute = compute;
        expect_near(
            multiply(*backend_, linear, x, rows), reference::linear(x, rows, tensor, compute),
            1e-5 + 3e-6 * largest * static_cast<double>(columns),
            stored.name + ", rows " + std::to_string(rows) + ", compute " + std::to_string(static_cast<int>(compute)));
      }
    }
  }
}

TEST_F(CudaStoredFormats, AGroupIndexOutsideTheGroupsIsRefused) {
  WeightFormat format = affine_format(4, 32, ScaleType::float16);
  format.group_index = true;
  for (const std::int32_t group : {-1, 4}) {
    QuantizedTensor tensor = random_tensor(backend_->upload_ledger(), 2, 128, format);
    tensor.group_index.as<std::int32_t>()[100] = group;
    const auto weight = backend_->upload(std::move(tensor));
    ASSERT_FALSE(weight.has_value());
    EXPECT_EQ(weight.error().code, ErrorCode::invalid_argument);
  }
}

TEST_F(CudaStoredFormats, AreNotQuantizedTo) {
  const RowReader rows = [](std::int64_t, std::int64_t, std::span<float>) -> Result<void> { return {}; };
  for (const WeightFormat& format : {affine_format(4, 32, ScaleType::float16), ggml_format(GgmlType::q4_k)}) {
    const auto weight = backend_->quantize(rows, 2, 256, format, MemoryTag::codes);
    ASSERT_FALSE(weight.has_value());
    EXPECT_EQ(weight.error().code, ErrorCode::unsupported);
  }
}

}  // namespace
}  // namespace quantscope::testing
