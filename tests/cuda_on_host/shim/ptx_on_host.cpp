// SPDX-License-Identifier: GPL-3.0-or-later
#include "ptx_on_host.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "block.h"
#include "kernels/formats/half.h"
#include "machine.h"
#include "running.h"

namespace {
using cuda_on_host::AccessKind;
using cuda_on_host::check_access;
using cuda_on_host::check_aligned;
using cuda_on_host::lanes_per_warp;
constexpr unsigned all_lanes = 0xFFFFFFFFU;

/// What a lane passes to mma.sync; each lane holds parts of a[16, K], b[K, 8] and d[16, 8].
template <class Sum>
struct Fragments {
  Sum* d;
  const std::uint32_t* a;
  const std::uint32_t* b;
};

/// Elements per 32-bit register.
template <class Decode>
constexpr unsigned packed = 32 / Decode::bits;

/// Row g = lane / 4 (and g + 8), columns from packed * (lane % 4); register pairs follow each other along K.
template <class Decode, class Sum>
auto element_of_a(void* const* operands, unsigned row, unsigned k) {
  const unsigned half = 4 * packed<Decode>;  // elements along K that the first register pair covers
  const unsigned lane = row % 8 * 4 + k % half / packed<Decode>;
  const unsigned index = row / 8 + 2 * (k / half);
  return Decode::element(static_cast<const Fragments<Sum>*>(operands[lane])->a[index], k % packed<Decode>);
}

/// Column g = lane / 4, rows along K as the columns of a.
template <class Decode, class Sum>
auto element_of_b(void* const* operands, unsigned k, unsigned column) {
  const unsigned half = 4 * packed<Decode>;
  const unsigned lane = column * 4 + k % half / packed<Decode>;
  return Decode::element(static_cast<const Fragments<Sum>*>(operands[lane])->b[k / half], k % packed<Decode>);
}

/// K is 8 registers' worth: 16 for 16-bit elements, 32 for bytes.
template <class Decode, class Sum, class Wide>
void multiply(void* const* operands, unsigned) {
  constexpr unsigned depth = 8 * packed<Decode>;
  for (unsigned row = 0; row < 16; ++row) {
    for (unsigned column = 0; column < 8; ++column) {
      Sum& d = static_cast<const Fragments<Sum>*>(operands[row % 8 * 4 + column / 2])->d[row / 8 * 2 + column % 2];
      Wide sum = static_cast<Wide>(d);
      for (unsigned k = 0; k < depth; ++k) {
        sum += static_cast<Wide>(element_of_a<Decode, Sum>(operands, row, k)) *
               static_cast<Wide>(element_of_b<Decode, Sum>(operands, k, column));
      }
      d = static_cast<Sum>(sum);
    }
  }
}

struct DecodeBf16 {
  static constexpr unsigned bits = 16;
  static float element(std::uint32_t pair, unsigned index) {
    return quantscope::bf16_to_fp32(static_cast<std::uint16_t>(pair >> 16 * index));
  }
};
struct DecodeFp16 {
  static constexpr unsigned bits = 16;
  static float element(std::uint32_t pair, unsigned index) {
    return quantscope::fp16_to_fp32(static_cast<std::uint16_t>(pair >> 16 * index));
  }
};
struct DecodeInt8 {
  static constexpr unsigned bits = 8;
  static int element(std::uint32_t four, unsigned index) { return static_cast<std::int8_t>(four >> 8 * index); }
};

/// What a lane passes to ldmatrix: lane i the address of row i % 8 of matrix i / 8.
struct MatrixRow {
  const std::byte* row;
  std::uint32_t* registers;
};

/// Byte in the row, row in the matrix, of an element that a lane gets.
struct Element {
  unsigned row;
  unsigned byte;
};

/// The two elements of a register: of row lane / 4, or of column lane / 4 when transposed.
std::array<Element, 2> elements_of(unsigned lane, bool transposed) {
  const unsigned g = lane / 4;
  const unsigned t = lane % 4 * 2;
  if (transposed) return {Element{t, 2 * g}, Element{t + 1, 2 * g}};
  return {Element{g, 2 * t}, Element{g, 2 * t + 2}};
}

template <unsigned count, bool transposed>
void gather(void* const* operands, unsigned) {
  for (unsigned lane = 0; lane < lanes_per_warp; ++lane) {
    for (unsigned matrix = 0; matrix < count; ++matrix) {
      std::uint32_t pair = 0;
      const auto elements = elements_of(lane, transposed);
      for (unsigned i = 0; i < 2; ++i) {
        const auto& source = *static_cast<const MatrixRow*>(operands[8 * matrix + elements[i].row]);
        std::uint16_t bits = 0;
        std::memcpy(&bits, source.row + elements[i].byte, 2);
        pair |= static_cast<std::uint32_t>(bits) << 16 * i;
      }
      static_cast<const MatrixRow*>(operands[lane])->registers[matrix] = pair;
    }
  }
}

template <unsigned count, bool transposed>
void load_matrix_rows(std::uint32_t* registers, const void* row) {
  MatrixRow operand{static_cast<const std::byte*>(row), registers};
  if (cuda_on_host::this_lane() < 8 * count) {
    check_aligned(row, 16);
    cuda_on_host::check_shared(row, 16);
    check_access(row, 16, AccessKind::read);
  }
  cuda_on_host::warp_operation("ldmatrix", all_lanes, &operand, gather<count, transposed>);
}

struct Copy {
  std::byte* to;
  std::size_t size;
  std::array<std::byte, 16> bytes;
};
/// Copies of one thread that it has not waited for.
struct Copies {
  std::vector<Copy> open;                 // not yet in a group
  std::vector<std::vector<Copy>> groups;  // oldest first
};
std::array<Copies, cuda_on_host::most_threads_per_block> copies;

Copies& copies_of_this_thread() { return copies[cuda_on_host::running.thread]; }

void begin_copy(void* shared, const void* global, std::size_t size, unsigned valid_bytes) {
  check_aligned(shared, size);
  cuda_on_host::check_shared(shared, size);
  check_aligned(global, size);
  Copy copy{static_cast<std::byte*>(shared), size, {}};
  if (valid_bytes > 0) {
    check_access(global, valid_bytes, AccessKind::read);
    std::memcpy(copy.bytes.data(), global, valid_bytes);
  }
  if (!cuda_on_host::shared_memory().begin_copy(shared, size, cuda_on_host::running.thread)) {
    cuda_on_host::stop_launch();
  }
  std::memset(shared, 0xFF, size);
  copies_of_this_thread().open.push_back(copy);
}
}  // namespace

void cuda_on_host::forget_copies() {
  for (Copies& of_thread : copies) {
    of_thread.open.clear();
    of_thread.groups.clear();
  }
}

namespace quantscope::cuda::ptx {

void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  Fragments<float> operand{d, a, b};
  cuda_on_host::warp_operation("mma bf16", all_lanes, &operand, multiply<DecodeBf16, float, double>);
}

void mma_fp16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  Fragments<float> operand{d, a, b};
  cuda_on_host::warp_operation("mma fp16", all_lanes, &operand, multiply<DecodeFp16, float, double>);
}

void mma_int8(std::int32_t (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  Fragments<std::int32_t> operand{d, a, b};
  cuda_on_host::warp_operation("mma int8", all_lanes, &operand, multiply<DecodeInt8, std::int32_t, std::int64_t>);
}

void load_matrix(std::uint32_t (&registers)[1], const void* row) { load_matrix_rows<1, false>(registers, row); }
void load_matrix(std::uint32_t (&registers)[2], const void* row) { load_matrix_rows<2, false>(registers, row); }
void load_matrix(std::uint32_t (&registers)[4], const void* row) { load_matrix_rows<4, false>(registers, row); }
void load_matrix_transposed(std::uint32_t (&registers)[1], const void* row) {
  load_matrix_rows<1, true>(registers, row);
}
void load_matrix_transposed(std::uint32_t (&registers)[2], const void* row) {
  load_matrix_rows<2, true>(registers, row);
}
void load_matrix_transposed(std::uint32_t (&registers)[4], const void* row) {
  load_matrix_rows<4, true>(registers, row);
}

void copy_async(void* shared, const void* global, unsigned valid_bytes) { begin_copy(shared, global, 16, valid_bytes); }

void copy_async_word(void* shared, const void* global) { begin_copy(shared, global, 4, 4); }

void commit_copies() {
  Copies& mine = copies_of_this_thread();
  mine.groups.push_back(std::move(mine.open));
  mine.open.clear();
}

void wait_for_copies_but(unsigned groups) {
  auto& pending = copies_of_this_thread().groups;
  while (pending.size() > groups) {
    for (const Copy& copy : pending.front()) {
      if (!cuda_on_host::shared_memory().end_copy(copy.to, copy.size, cuda_on_host::running.thread)) {
        cuda_on_host::stop_launch();
      }
      std::memcpy(copy.to, copy.bytes.data(), copy.size);
    }
    pending.erase(pending.begin());
  }
}

std::uint32_t pack_bf16(float low, float high) {
  return static_cast<std::uint32_t>(fp32_to_bf16(high)) << 16 | fp32_to_bf16(low);
}

std::uint32_t pack_fp16(float low, float high) {
  return static_cast<std::uint32_t>(fp32_to_fp16(high)) << 16 | fp32_to_fp16(low);
}

float exp2_approximate(float x) {
  const float result = std::exp2(x);
  return result < std::numeric_limits<float>::min() ? 0.0F : result;
}

uint4 load_streaming(const void* address) {
  check_aligned(address, 16);
  check_access(address, 16, AccessKind::read);
  uint4 value;
  std::memcpy(&value, address, 16);
  return value;
}

void* dynamic_shared_memory() { return cuda_on_host::shared_memory().dynamic(); }

}  // namespace quantscope::cuda::ptx
