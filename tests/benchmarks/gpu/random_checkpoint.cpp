// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/benchmarks/gpu/random_checkpoint.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/formats/half.h"

namespace quantscope::benchmarks {
namespace {
constexpr std::size_t table_size = std::size_t{1} << 20;
constexpr float typical_weight = 0.02F;

ModelDescription llama_1b() {
  ModelDescription model;
  model.family = "llama";
  model.name = "random weights, shape of Llama-3.2-1B";
  model.vocabulary = 128256;
  model.hidden = 2048;
  model.intermediate = 8192;
  model.layers = 16;
  model.heads = 32;
  model.kv_heads = 8;
  model.head_dim = 64;
  model.context = 131072;
  model.rope.theta = 500000.0;
  model.tied_head = true;
  return model;
}

class RandomCheckpoint final : public Checkpoint {
 public:
  RandomCheckpoint() : model_(llama_1b()), values_(table_size) {
    std::mt19937 generator(1);
    std::normal_distribution<float> normal(0.0F, typical_weight);
    for (float& value : values_) value = round_to(ComputeType::bf16, normal(generator));
    for (const WeightSlot& slot : weight_slots(model_)) {
      TensorInfo tensor;
      tensor.name = tensor.stored_name = slot.name;
      tensor.type = StoredType::bf16;
      tensor.shape = slot.role == WeightRole::norm ? std::vector<std::int64_t>{slot.columns}
                                                   : std::vector<std::int64_t>{slot.rows, slot.columns};
      tensor.bytes = static_cast<std::uint64_t>(2 * slot.rows * slot.columns);
      tensors_.push_back(tensor);
    }
  }

  const ModelDescription& model() const override { return model_; }
  std::span<const TensorInfo> tensors() const override { return tensors_; }
  std::span<const std::filesystem::path> files() const override { return {}; }
  const TokenizerSource& tokenizer() const override { return tokenizer_; }
  Result<std::string> fingerprint() const override { return std::string("random"); }

  Result<void> decode_rows(const TensorInfo& tensor, std::int64_t first_row, std::int64_t row_count,
                           std::span<float> values) const override {
    if (tensor.shape.size() == 1) {
      std::ranges::fill(values, 1.0F);
      return {};
    }
    // Another stretch of the table for each tensor and row.
    std::size_t at = (std::hash<std::string>{}(tensor.name) + static_cast<std::size_t>(first_row) * 7919U) % table_size;
    static_cast<void>(row_count);
    for (std::size_t done = 0; done < values.size();) {
      const std::size_t count = std::min(values.size() - done, table_size - at);
      std::memcpy(values.data() + done, values_.data() + at, count * sizeof(float));
      done += count;
      at = 0;
    }
    return {};
  }

 private:
  ModelDescription model_;
  std::vector<float> values_;
  std::vector<TensorInfo> tensors_;
  TokenizerSource tokenizer_;
};
}  // namespace

std::shared_ptr<const Checkpoint> random_llama_1b() { return std::make_shared<RandomCheckpoint>(); }

}  // namespace quantscope::benchmarks
