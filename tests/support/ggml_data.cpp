// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/ggml_data.h"

#include <cstdint>
#include <map>

namespace quantscope::testing {
namespace {

/// Offsets of the bytes of a block that hold the upper exponent bits of a scale.
const std::map<GgmlType, std::vector<std::size_t>> exponent_bytes = {
    {GgmlType::f32, {3}},     {GgmlType::f16, {1}},     {GgmlType::bf16, {1}},      {GgmlType::q8_0, {1}},
    {GgmlType::q4_0, {1}},    {GgmlType::q4_1, {1, 3}}, {GgmlType::q5_0, {1}},      {GgmlType::q5_1, {1, 3}},
    {GgmlType::iq4_nl, {1}},  {GgmlType::mxfp4, {0}},   {GgmlType::q2_k, {81, 83}}, {GgmlType::q3_k, {109}},
    {GgmlType::q4_k, {1, 3}}, {GgmlType::q5_k, {1, 3}}, {GgmlType::q6_k, {209}},    {GgmlType::iq4_xs, {1}},
    {GgmlType::iq3_s, {1}},   {GgmlType::iq3_xxs, {1}}, {GgmlType::iq2_s, {1}},     {GgmlType::iq2_xs, {1}},
    {GgmlType::iq2_xxs, {1}}, {GgmlType::iq1_m, {55}},  {GgmlType::iq1_s, {1}},     {GgmlType::tq2_0, {65}},
    {GgmlType::tq1_0, {53}}};

class Generator {
 public:
  std::uint32_t step() { return state_ = state_ * 1664525U + 1013904223U; }
  float uniform() { return static_cast<float>(static_cast<double>(step() >> 8) / 0x1p24 * 2 - 1); }
  float bell() {
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<double>(uniform());
    return static_cast<float>(sum / 4);
  }

 private:
  std::uint32_t state_ = 12345;
};

}  // namespace

std::vector<std::byte> random_ggml_blocks(GgmlType type, std::size_t blocks) {
  const auto size = static_cast<std::size_t>(ggml_type_info(type).block_bytes);
  Generator generator;
  std::vector<std::byte> bytes(blocks * size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(generator.step() >> 24);
  for (std::size_t block = 0; block < blocks; ++block)
    for (const std::size_t offset : exponent_bytes.at(type)) bytes[block * size + offset] &= std::byte{0xBF};
  return bytes;
}

std::vector<float> ggml_source_values(std::string_view kind, std::size_t count) {
  Generator generator;
  std::vector<float> values(count);
  for (float& value : values) {
    if (kind == "bell")
      value = generator.bell();
    else if (kind == "steps")
      value = (static_cast<float>(generator.step() >> 27) - 16.0F) / 16.0F;
    else if (kind == "uniform" || generator.step() >> 28 == 0)
      value = generator.uniform();
  }
  return values;
}

}  // namespace quantscope::testing
