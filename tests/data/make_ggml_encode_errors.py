#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/data/ggml_encode_errors.txt: what ggml's own quantizers (ggml_quantize_chunk, no importance matrix) lose
on the values that make_ggml_vectors.py describes. Lines: TYPE DATA VALUES ROOT_MEAN_SQUARE_ERROR.
usage: make_ggml_encode_errors.py path/to/libggml-base.so > tests/data/ggml_encode_errors.txt
"""
import ctypes
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants
from make_ggml_vectors import DATA, VALUES, Generator

library = ctypes.CDLL(sys.argv[1])
library.ggml_quantize_chunk.restype = ctypes.c_size_t
library.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64,
                                        ctypes.c_int64, ctypes.c_void_p]
print("# Root mean square errors of ggml's quantizers; written by make_ggml_encode_errors.py.")
for data, draw in DATA.items():
    generator = Generator()
    values = np.array([draw(generator) for _ in range(VALUES)], dtype=np.float32)
    for name in ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "IQ4_NL", "Q4_K", "Q6_K"):
        kind = GGMLQuantizationType[name]
        block, size = GGML_QUANT_SIZES[kind]
        blocks = np.zeros(VALUES // block * size, dtype=np.uint8)
        rows = VALUES // 256
        made = library.ggml_quantize_chunk(int(kind), values.ctypes.data, blocks.ctypes.data, 0, rows, 256, None)
        assert made == blocks.size
        error = quants.dequantize(blocks, kind).astype(np.float64) - values
        print(name, data, VALUES, repr(float(np.sqrt(np.mean(error**2)))))
