// SPDX-License-Identifier: GPL-3.0-or-later
#include "device_functions.h"

#include <limits>

#include "machine.h"
#include "running.h"

namespace {
using cuda_on_host::AccessKind;
using cuda_on_host::lanes_per_warp;

bool names(unsigned mask, unsigned lane) { return (mask >> lane & 1) != 0; }

/// Puts `operation` over the values of all lanes into each of them.
template <class T, class Operation>
T reduce(const char* name, unsigned mask, T value) {
  cuda_on_host::warp_operation(name, mask, &value, [](void* const* operands, unsigned lanes) {
    T result{};
    bool first = true;
    for (unsigned lane = 0; lane < lanes_per_warp; ++lane) {
      if (!names(lanes, lane)) continue;
      const T next = *static_cast<const T*>(operands[lane]);
      result = first ? next : Operation{}(result, next);
      first = false;
    }
    for (unsigned lane = 0; lane < lanes_per_warp; ++lane) {
      if (names(lanes, lane)) *static_cast<T*>(operands[lane]) = result;
    }
  });
  return value;
}

struct Add {
  int operator()(int a, int b) const { return static_cast<int>(static_cast<unsigned>(a) + static_cast<unsigned>(b)); }
  unsigned operator()(unsigned a, unsigned b) const { return a + b; }
};
struct Min {
  template <class T>
  T operator()(T a, T b) const {
    return std::min(a, b);
  }
};
struct Max {
  template <class T>
  T operator()(T a, T b) const {
    return std::max(a, b);
  }
};

/// Replaces a value by `change` of it.
template <class T, class Change>
T atomic(T* address, const Change& change) {
  cuda_on_host::check_aligned(address, sizeof(T));
  cuda_on_host::check_access(address, sizeof(T), AccessKind::atomic);
  const T before = *address;
  *address = change(before);
  return before;
}
}  // namespace

namespace cuda_on_host {
namespace {
struct ShuffleOperand {
  std::uint64_t bits;
  unsigned source;
};

unsigned source_lane(Shuffle kind, int argument, unsigned width) {
  const unsigned lane = this_lane();
  const unsigned first = lane / width * width;
  const auto distance = static_cast<unsigned>(argument);
  switch (kind) {
    case Shuffle::index: return first + distance % width;
    case Shuffle::up: return lane - first >= distance ? lane - distance : lane;
    case Shuffle::down: return lane - first + distance < width ? lane + distance : lane;
    case Shuffle::exclusive_or: break;
  }
  // A lane of a later group is out of reach, one of an earlier group is not.
  const unsigned source = lane ^ distance;
  return source < first + width ? source : lane;
}

const char* name_of(Shuffle kind) {
  switch (kind) {
    case Shuffle::index: return "__shfl_sync";
    case Shuffle::up: return "__shfl_up_sync";
    case Shuffle::down: return "__shfl_down_sync";
    case Shuffle::exclusive_or: break;
  }
  return "__shfl_xor_sync";
}

void exchange(void* const* operands, unsigned mask) {
  std::uint64_t bits[lanes_per_warp];
  for (unsigned lane = 0; lane < lanes_per_warp; ++lane) {
    if (names(mask, lane)) bits[lane] = static_cast<const ShuffleOperand*>(operands[lane])->bits;
  }
  for (unsigned lane = 0; lane < lanes_per_warp; ++lane) {
    if (!names(mask, lane)) continue;
    auto& operand = *static_cast<ShuffleOperand*>(operands[lane]);
    operand.bits = bits[operand.source];
  }
}
}  // namespace

std::uint64_t shuffle(Shuffle kind, unsigned mask, std::uint64_t bits, int argument, int width) {
  const bool possible = width > 0 && width <= warpSize && std::has_single_bit(static_cast<unsigned>(width));
  if (!possible) {
    report("{} with a width of {}, which is no power of two up to 32", name_of(kind), width);
    stop_launch();
  }
  ShuffleOperand operand{bits, source_lane(kind, argument, static_cast<unsigned>(width))};
  if (operand.source >= lanes_per_warp || !names(mask, operand.source)) {
    report("{} from lane {}, which the mask {:#x} does not name", name_of(kind), operand.source, mask);
    stop_launch();
  }
  warp_operation(name_of(kind), mask, &operand, exchange);
  return operand.bits;
}
}  // namespace cuda_on_host

void __syncwarp(unsigned mask) {
  unsigned warp = cuda_on_host::running.thread / lanes_per_warp;
  cuda_on_host::warp_operation("__syncwarp", mask, &warp, [](void* const* operands, unsigned lanes) {
    const auto first = static_cast<unsigned>(std::countr_zero(lanes));
    cuda_on_host::shared_memory().synchronise_lanes(*static_cast<const unsigned*>(operands[first]), lanes);
  });
}

unsigned __ballot_sync(unsigned mask, int predicate) {
  unsigned value = predicate != 0 ? 1 : 0;
  cuda_on_host::warp_operation("a vote", mask, &value, [](void* const* operands, unsigned lanes) {
    unsigned votes = 0;
    for (unsigned lane = 0; lane < lanes_per_warp; ++lane) {
      if (names(lanes, lane)) votes |= *static_cast<const unsigned*>(operands[lane]) << lane;
    }
    for (unsigned lane = 0; lane < lanes_per_warp; ++lane) {
      if (names(lanes, lane)) *static_cast<unsigned*>(operands[lane]) = votes;
    }
  });
  return value;
}

unsigned __activemask() { return cuda_on_host::living_lanes(); }

int __reduce_add_sync(unsigned mask, int value) { return reduce<int, Add>("__reduce_add_sync", mask, value); }
int __reduce_min_sync(unsigned mask, int value) { return reduce<int, Min>("__reduce_min_sync", mask, value); }
int __reduce_max_sync(unsigned mask, int value) { return reduce<int, Max>("__reduce_max_sync", mask, value); }
unsigned __reduce_add_sync(unsigned mask, unsigned value) {
  return reduce<unsigned, Add>("__reduce_add_sync", mask, value);
}
unsigned __reduce_min_sync(unsigned mask, unsigned value) {
  return reduce<unsigned, Min>("__reduce_min_sync", mask, value);
}
unsigned __reduce_max_sync(unsigned mask, unsigned value) {
  return reduce<unsigned, Max>("__reduce_max_sync", mask, value);
}
unsigned __reduce_and_sync(unsigned mask, unsigned value) {
  return reduce<unsigned, std::bit_and<>>("__reduce_and_sync", mask, value);
}
unsigned __reduce_or_sync(unsigned mask, unsigned value) {
  return reduce<unsigned, std::bit_or<>>("__reduce_or_sync", mask, value);
}
unsigned __reduce_xor_sync(unsigned mask, unsigned value) {
  return reduce<unsigned, std::bit_xor<>>("__reduce_xor_sync", mask, value);
}

#define CUDA_ON_HOST_ATOMICS(type)                                                            \
  type atomicMax(type* address, type value) {                                                 \
    return atomic(address, [value](type before) { return std::max(before, value); });         \
  }                                                                                           \
  type atomicMin(type* address, type value) {                                                 \
    return atomic(address, [value](type before) { return std::min(before, value); });         \
  }                                                                                           \
  type atomicExch(type* address, type value) {                                                \
    return atomic(address, [value](type) { return value; });                                  \
  }                                                                                           \
  type atomicCAS(type* address, type expected, type value) {                                  \
    return atomic(address, [=](type before) { return before == expected ? value : before; }); \
  }
CUDA_ON_HOST_ATOMICS(int)
CUDA_ON_HOST_ATOMICS(unsigned)
CUDA_ON_HOST_ATOMICS(unsigned long long)
#undef CUDA_ON_HOST_ATOMICS

int atomicAdd(int* address, int value) {
  return atomic(address, [value](int before) { return Add{}(before, value); });
}
unsigned atomicAdd(unsigned* address, unsigned value) {
  return atomic(address, [value](unsigned before) { return before + value; });
}
unsigned long long atomicAdd(unsigned long long* address, unsigned long long value) {
  return atomic(address, [value](unsigned long long before) { return before + value; });
}
float atomicAdd(float* address, float value) {
  return atomic(address, [value](float before) { return before + value; });
}
double atomicAdd(double* address, double value) {
  return atomic(address, [value](double before) { return before + value; });
}
float atomicExch(float* address, float value) {
  return atomic(address, [value](float) { return value; });
}
unsigned atomicInc(unsigned* address, unsigned last) {
  return atomic(address, [last](unsigned before) { return before >= last ? 0 : before + 1; });
}
unsigned atomicOr(unsigned* address, unsigned value) {
  return atomic(address, [value](unsigned before) { return before | value; });
}
unsigned atomicAnd(unsigned* address, unsigned value) {
  return atomic(address, [value](unsigned before) { return before & value; });
}

unsigned __brev(unsigned value) {
  unsigned reversed = 0;
  for (int bit = 0; bit < 32; ++bit) reversed |= (value >> bit & 1U) << (31 - bit);
  return reversed;
}

unsigned __byte_perm(unsigned low, unsigned high, unsigned selector) {
  const std::uint64_t bytes = static_cast<std::uint64_t>(high) << 32 | low;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned choice = selector >> 4 * i & 15U;
    const auto byte = static_cast<unsigned>(bytes >> 8 * (choice & 7U) & 255U);
    const unsigned sign = byte >= 128 ? 255U : 0U;  // the fourth bit asks for eight copies of the sign
    result |= (choice >= 8 ? sign : byte) << 8 * i;
  }
  return result;
}

unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  const std::uint64_t both = static_cast<std::uint64_t>(high) << 32 | low;
  return static_cast<unsigned>(both << (shift & 31U) >> 32);
}

unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  const std::uint64_t both = static_cast<std::uint64_t>(high) << 32 | low;
  return static_cast<unsigned>(both >> (shift & 31U));
}

int __dp4a(int a, int b, int sum) {
  for (int i = 0; i < 4; ++i) {
    sum = Add{}(sum, static_cast<std::int8_t>(a >> 8 * i) * static_cast<std::int8_t>(b >> 8 * i));
  }
  return sum;
}

unsigned __dp4a(unsigned a, unsigned b, unsigned sum) {
  for (int i = 0; i < 4; ++i) sum += (a >> 8 * i & 255U) * (b >> 8 * i & 255U);
  return sum;
}

int __float2int_rz(float value) {
  if (std::isnan(value)) return 0;
  if (value >= 0x1p31F) return std::numeric_limits<int>::max();
  return value <= -0x1p31F ? std::numeric_limits<int>::min() : static_cast<int>(value);
}

int __float2int_rn(float value) { return __float2int_rz(std::nearbyint(value)); }

unsigned __float2uint_rn(float value) {
  const float nearest = std::nearbyint(value);
  if (!(nearest > 0.0F)) return 0;
  return nearest >= 0x1p32F ? std::numeric_limits<unsigned>::max() : static_cast<unsigned>(nearest);
}
