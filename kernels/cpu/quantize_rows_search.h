// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/formats/fp4.h"
#include "kernels/formats/nf4.h"

namespace quantscope {

/// The thresholds of a format as a balanced search tree: a value that goes right (above the threshold) at the nodes
/// nodes[0][0], nodes[1][p1], ... arrives at the number of thresholds below it. Eight entries a level, so that one
/// level fits one AVX2 register. NaN is above nothing and arrives at 0.
template <int depth>
struct SearchTree {
  alignas(32) float nodes[depth][8];
};

template <int depth>
constexpr SearchTree<depth> make_search_tree(const float (&thresholds)[(1 << depth) - 1]) {
  SearchTree<depth> tree{};
  for (int level = 0; level < depth; ++level) {
    const int width = 1 << (depth - level);  // leaves below a node of this level
    for (int node = 0; node < 1 << level; ++node) tree.nodes[level][node] = thresholds[node * width + width / 2 - 1];
  }
  return tree;
}

inline constexpr SearchTree<4> nf4_search_tree = make_search_tree<4>(nf4_thresholds);
inline constexpr SearchTree<3> fp4_search_tree = make_search_tree<3>(fp4_magnitude_thresholds);

}  // namespace quantscope
