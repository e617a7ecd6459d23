// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

/// CUDA's vectors of two and four numbers, aligned as on the device: a load of one is a single access there.

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
struct uint3 {
  unsigned x, y, z;
};

#define CUDA_ON_HOST_VECTORS(type, name)                                  \
  struct alignas(2 * sizeof(type)) name##2 {                              \
    type x, y;                                                            \
  };                                                                      \
  struct alignas(4 * sizeof(type) < 16 ? 4 * sizeof(type) : 16) name##4 { \
    type x, y, z, w;                                                      \
  };                                                                      \
  constexpr name##2 make_##name##2(type x, type y) { return {x, y}; }     \
  constexpr name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }

CUDA_ON_HOST_VECTORS(signed char, char)
CUDA_ON_HOST_VECTORS(unsigned char, uchar)
CUDA_ON_HOST_VECTORS(short, short)
CUDA_ON_HOST_VECTORS(unsigned short, ushort)
CUDA_ON_HOST_VECTORS(int, int)
CUDA_ON_HOST_VECTORS(unsigned, uint)
CUDA_ON_HOST_VECTORS(long long, longlong)
CUDA_ON_HOST_VECTORS(unsigned long long, ulonglong)
CUDA_ON_HOST_VECTORS(float, float)
CUDA_ON_HOST_VECTORS(double, double)

#undef CUDA_ON_HOST_VECTORS
