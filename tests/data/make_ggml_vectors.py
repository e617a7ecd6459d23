#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/data/ggml_vectors.txt with the Python package gguf, whose quants.py follows ggml-quants.c.

Lines `decode TYPE BLOCKS SHA256`: the sha256 of the decoded values (float32, little endian) of so many blocks of bytes.
The bytes come from s = s * 1664525 + 1013904223 mod 2^32 with s = 12345 at first, one step and then the top 8 bits per
byte, except that bit 6 is cleared in the upper byte of each fp16 scale and in the exponent of MXFP4: all values are finite.
Lines `encode TYPE DATA VALUES SHA256`: the sha256 of the blocks made of so many values of one kind of data: uniform
(-1, 1) from the top 24 bits of the same generator; bell, the mean of four such; sparse, uniform where a step says so
(1 in 16), else zero; steps, multiples of 1/16, which make ties.
usage: make_ggml_vectors.py > tests/data/ggml_vectors.txt
"""
import hashlib

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

# Byte offsets of the high bytes of the fp16 scales of a block. IQ1_M keeps the top 4 bits of its scale in the last byte.
HIGH_BYTES = {"Q8_0": [1], "Q4_0": [1], "Q4_1": [1, 3], "Q5_0": [1], "Q5_1": [1, 3], "IQ4_NL": [1], "MXFP4": [0],
              "Q2_K": [81, 83], "Q3_K": [109], "Q4_K": [1, 3], "Q5_K": [1, 3], "Q6_K": [209], "IQ4_XS": [1],
              "IQ3_S": [1], "IQ3_XXS": [1], "IQ2_S": [1], "IQ2_XS": [1], "IQ2_XXS": [1], "IQ1_M": [55], "IQ1_S": [1],
              "TQ2_0": [65], "TQ1_0": [53]}
BLOCKS = 256
VALUES = 65536


class Generator:
    def __init__(self):
        self.state = 12345

    def step(self):
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return self.state

    def byte(self):
        return self.step() >> 24

    def uniform(self):
        return np.float32((self.step() >> 8) / 2.0**24 * 2 - 1)


def sparse(generator):
    return generator.uniform() if generator.step() >> 28 == 0 else np.float32(0)


DATA = {"uniform": Generator.uniform,
        "bell": lambda g: np.float32(sum(float(g.uniform()) for _ in range(4)) / 4),
        "sparse": sparse,
        "steps": lambda g: np.float32(((g.step() >> 27) - 16.0) / 16)}

if __name__ == "__main__":
    for name, high_bytes in HIGH_BYTES.items():
        kind = GGMLQuantizationType[name]
        size = GGML_QUANT_SIZES[kind][1]
        generator = Generator()
        blocks = np.array([generator.byte() for _ in range(BLOCKS * size)], dtype=np.uint8).reshape(BLOCKS, size)
        blocks[:, high_bytes] &= 0xBF
        values = quants.dequantize(blocks, kind).astype("<f4")
        assert np.isfinite(values).all()
        print("decode", name, BLOCKS, hashlib.sha256(values.tobytes()).hexdigest())
    for data, draw in DATA.items():
        generator = Generator()
        values = np.array([draw(generator) for _ in range(VALUES)], dtype=np.float32).reshape(-1, 256)
        for name in ("F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"):
            blocks = quants.quantize(values, GGMLQuantizationType[name])
            print("encode", name, data, VALUES, hashlib.sha256(np.ascontiguousarray(blocks).tobytes()).hexdigest())
