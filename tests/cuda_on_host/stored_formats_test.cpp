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

/// What few_rows_block_codecs.h multiplies, in rows that several warps share, that end within a step, and that have
/// more steps than a warp keeps on their way.
std::vector<StoredCase> few_rows_cases() {
  std::vector<StoredCase> list;
  for (const ZeroPoint zero : {ZeroPoint::none, ZeroPoint::integer, ZeroPoint::floating})
    for (const ScaleType scale : {ScaleType::float32, ScaleType::float16, ScaleType::bfloat16}) {
      WeightFormat format = affine_format(4, zero == ZeroPoint::none ? 4096 : 32, scale);
      format.zero_point = zero;
      list.push_back({"4 bits in order, zero " + std::to_string(static_cast<int>(zero)) + ", scale " +
                          std::to_string(static_cast<int>(scale)),
                      format,
                      {32, 96, 1312, 5216}});
    }
  for (const GgmlType type : {GgmlType::q8_0, GgmlType::q4_0})
    list.push_back({std::string(ggml_type_info(type).name), ggml_format(type), {32, 96, 1312, 5216}});
  for (const GgmlType type : {GgmlType::q4_k, GgmlType::q5_k, GgmlType::q6_k})
    list.push_back({std::string(ggml_type_info(type).name), ggml_format(type), {256, 1280, 5376}});
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

double largest_magnitude(const std::vector<float>& values) {
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(static_cast<double>(value)));
  return largest;
}

/// One row, three, more than a warp multiplies, and more than are decoded in registers; odd sizes among them.
void expect_linears(Backend& backend, const QuantizedTensor& tensor, const Weight& weight, const std::string& name) {
  const double largest = largest_magnitude(reference_rows(tensor, 0, tensor.rows));
  for (const std::int64_t rows : {1, 3, 17, 70}) {
    const auto x = random_values(rows * tensor.columns, 2);
    for (const ComputeType compute : {ComputeType::fp32, ComputeType::fp16, ComputeType::bf16}) {
      if (compute == ComputeType::fp16 && largest > 60000) continue;  // FP16 has no such values
      Linear linear;
      linear.weight = &weight;
      linear.compute = compute;
      expect_near(multiply(backend, linear, x, rows), reference::linear(x, rows, tensor, compute),
                  1e-5 + 3e-6 * largest * static_cast<double>(tensor.columns),
                  name + ", K " + std::to_string(tensor.columns) + ", rows " + std::to_string(rows) + ", compute " +
                      std::to_string(static_cast<int>(compute)));
    }
  }
}

TEST_F(CudaStoredFormats, LinearsAgreeWithTheReference) {
  for (const StoredCase& stored : cases()) {
    const std::int64_t columns = stored.columns[std::min<std::size_t>(3, stored.columns.size() - 1)];
    const QuantizedTensor tensor = tensor_of(host_, 37, columns, stored.format);
    expect_linears(*backend_, tensor, *upload(tensor, stored.name), stored.name);
  }
}

TEST_F(CudaStoredFormats, LinearsWhoseWeightsAreDecodedInRegistersAgreeWithTheReference) {
  for (const StoredCase& stored : few_rows_cases())
    for (const std::int64_t columns : stored.columns) {
      const QuantizedTensor tensor = tensor_of(host_, 37, columns, stored.format);
      expect_linears(*backend_, tensor, *upload(tensor, stored.name), stored.name);
    }
}

TEST_F(CudaStoredFormats, RowsDoNotDependOnThoseBesideThem) {
  constexpr std::int64_t outputs = 130;
  for (const StoredCase& stored : few_rows_cases()) {
    const std::int64_t columns = stored.columns[stored.columns.size() - 2];
    const QuantizedTensor tensor = tensor_of(host_, outputs, columns, stored.format);
    const auto weight = upload(tensor, stored.name);
    Linear linear;
    linear.weight = weight.get();
    linear.compute = ComputeType::bf16;
    const auto x = random_values(11 * columns, 4, 0.01F);
    const auto whole = multiply(*backend_, linear, x, 11);
    for (const auto& [first, count] : {std::pair{3, 1}, std::pair{0, 8}, std::pair{2, 9}}) {
      const auto part =
          multiply(*backend_, linear, {x.begin() + first * columns, x.begin() + (first + count) * columns}, count);
      EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + first * outputs)) << stored.name;
    }
  }
}

/// Linears of one norm are one launch where the formats of their weights agree, and so is a gate.
TEST_F(CudaStoredFormats, FusedLinearsEqualThoseOnTheirOwn) {
  for (const StoredCase& stored : few_rows_cases()) {
    const std::int64_t columns = stored.columns.back();
    const auto a = upload(tensor_of(host_, 37, columns, stored.format), stored.name);
    const auto b = upload(tensor_of(host_, 20, columns, stored.format), stored.name);
    const auto c = upload(tensor_of(host_, 37, columns, stored.format), stored.name);
    const auto norm_weight =
        create_weight(*backend_, random_values(columns, 3), 1, columns, dense_format(DataType::fp32));
    const Norm norm{norm_weight.get(), 1e-6F};
    const auto input = create_filled(*backend_, random_values(2 * columns, 5), 2);
    std::vector<LinearOutput> outputs;
    std::vector<std::unique_ptr<Buffer>> buffers;
    for (const Weight* weight : {a.get(), b.get(), c.get()}) {
      buffers.push_back(create_filled(*backend_, std::vector<float>(static_cast<std::size_t>(2 * weight->rows)), 2));
      outputs.push_back({{.weight = weight, .compute = ComputeType::bf16}, buffers.back().get()});
    }
    std::vector<float> normalized;
    const Tap tap = [&](const Linear&, std::span<const float> values, std::int64_t) {
      normalized.assign(values.begin(), values.end());
    };
    ASSERT_TRUE(backend_->norm_linears(*input, 2, norm, outputs, &tap).has_value());
    for (const LinearOutput& output : outputs)
      EXPECT_TRUE(same_bits(values_of(*backend_, *output.output, 2), multiply(*backend_, output.linear, normalized, 2)))
          << stored.name;
    const auto gated = create_filled(*backend_, std::vector<float>(74), 2);
    const auto& [gate, up] = std::pair{outputs[0].linear, outputs[2].linear};
    ASSERT_TRUE(backend_->norm_gate_up(*input, 2, norm, gate, up, GateActivation::silu, *gated, nullptr).has_value());
    const auto gates = multiply(*backend_, gate, normalized, 2);
    const auto ups = multiply(*backend_, up, normalized, 2);
    std::vector<double> expected(gates.size());
    for (std::size_t i = 0; i < gates.size(); ++i)
      expected[i] = reference::silu_gate(static_cast<double>(gates[i]), static_cast<double>(ups[i]));
    const auto [least, most] = std::ranges::minmax(expected);
    expect_near(values_of(*backend_, *gated, 2), expected, 1e-5 * (1 + std::max(-least, most)), stored.name);
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
