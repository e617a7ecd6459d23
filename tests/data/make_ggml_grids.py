#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes kernels/formats/ggml_iq_grids.h: the code books of ggml's IQ1, IQ2 and IQ3 types.

The code books are data of the file format and cannot be computed. They come from the Python package gguf (MIT licence,
ggml authors), where each entry is already packed as here: indices into a short list of magnitudes.
usage: make_ggml_grids.py > kernels/formats/ggml_iq_grids.h
"""
import numpy as np
from gguf import quants

BOOKS = (
    ("iq2_xxs_grid", quants.IQ2_XXS, 2, "IQ2_XXS: 8 magnitudes of an entry, 2 bits each, the first lowest; see iq2_magnitude"),
    ("iq2_xs_grid", quants.IQ2_XS, 2, "IQ2_XS, packed as IQ2_XXS"),
    ("iq2_s_grid", quants.IQ2_S, 2, "IQ2_S, packed as IQ2_XXS"),
    ("iq3_xxs_grid", quants.IQ3_XXS, 4, "IQ3_XXS: 4 magnitudes of an entry, 4 bits each, the first lowest; see iq3_xxs_magnitude"),
    ("iq3_s_grid", quants.IQ3_S, 4, "IQ3_S, packed as IQ3_XXS; an index i stands for 2 i + 1"),
    ("iq1_grid", quants.IQ1_S, 2, "IQ1_S and IQ1_M: 8 values of an entry, 2 bits each, the first lowest; 0, 1, 2 stand for -1, 0, 1"),
)


def packed(book, bits):
    book.init_grid()
    values = list(book.grid_map)
    indices = np.vectorize(values.index)(book.grid.reshape(book.grid_shape))
    return [sum(int(index) << (bits * place) for place, index in enumerate(entry)) for entry in indices]


print("""// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

/// The code books of the IQ types of GGUF files, written by tests/data/make_ggml_grids.py. Source: the Python package
/// gguf, gguf/quants.py (MIT licence, Copyright the ggml authors).
namespace quantscope {

// clang-format off""")
for name, book, bits, comment in BOOKS:
    entries = [f"0x{entry:04X}" for entry in packed(book, bits)]
    lines = [",".join(entries[i:i + 16]) for i in range(0, len(entries), 16)]
    print(f"\n/// {comment}.\ninline constexpr std::uint16_t {name}[{len(entries)}] = {{\n" + ",\n".join(lines) + "};")
print("// clang-format on\n\n}  // namespace quantscope")
