#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decodes a GPTQ v1 or AWQ gemm folder with numpy alone and compares it with a folder of plain weights, bit for bit.

Written from the description of the layouts, not from the program's reader: for GPTQ
  q = (qweight[k / 8][n] >> 4 (k % 8)) & 15,  z = ((qzeros[g][n / 8] >> 4 (n % 8)) & 15) + 1,  g = g_idx[k]
(4 bits; 8 bits likewise), for AWQ
  p = {0,4,1,5,2,6,3,7}[n % 8],  q = (qweight[k][n / 8] >> 4 p) & 15,  z = (qzeros[k / group][n / 8] >> 4 p) & 15
and value = (q - z) * scales[g][n] in float32.
  decode_integer_folder.py QUANTIZED_FOLDER PLAIN_FOLDER
"""
import json
import sys
from pathlib import Path

import numpy as np

TYPES = {"F32": np.float32, "F16": np.float16, "I32": np.int32, "BF16": np.uint16}


def read_folder(folder):
    tensors = {}
    for path in sorted(Path(folder).glob("*.safetensors")):
        raw = path.read_bytes()
        size = int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8 : 8 + size])
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            values = np.frombuffer(raw[8 + size + begin : 8 + size + end], TYPES[entry["dtype"]])
            if entry["dtype"] == "BF16":
                values = (values.astype(np.uint32) << 16).view(np.float32)
            tensors[name] = values.reshape(entry["shape"])
    return tensors


def fields(words, bits, count, axis, order=None):
    """Unsigned codes out of 32-bit words along an axis."""
    words = words.view(np.uint32)
    per_word = 32 // bits
    index = np.arange(count)
    position = index % per_word if order is None else np.asarray(order)[index % per_word]
    shape = (-1, 1) if axis == 0 else (1, -1)
    return (np.take(words, index // per_word, axis) >> (bits * position).reshape(shape).astype(np.uint32)) & (2**bits - 1)


def decode_gptq(tensors, module, bits):
    groups = tensors[f"{module}.g_idx"]
    scales = tensors[f"{module}.scales"].astype(np.float32)
    codes = fields(tensors[f"{module}.qweight"], bits, len(groups), 0).astype(np.int64)
    zeros = fields(tensors[f"{module}.qzeros"], bits, scales.shape[1], 1).astype(np.int64) + 1
    return ((codes - zeros[groups]).astype(np.float32) * scales[groups]).T


def decode_awq(tensors, module, group):
    order = [0, 4, 1, 5, 2, 6, 3, 7]
    words = tensors[f"{module}.qweight"]
    scales = tensors[f"{module}.scales"].astype(np.float32)
    groups = np.arange(words.shape[0]) // (group if group > 0 else words.shape[0])
    codes = fields(words, 4, scales.shape[1], 1, order).astype(np.int64)
    zeros = fields(tensors[f"{module}.qzeros"], 4, scales.shape[1], 1, order).astype(np.int64)
    return ((codes - zeros[groups]).astype(np.float32) * scales[groups]).T


def main():
    folder, plain_folder = sys.argv[1:3]
    config = json.loads((Path(folder) / "config.json").read_text())["quantization_config"]
    tensors, plain = read_folder(folder), read_folder(plain_folder)
    modules = [name[: -len(".qweight")] for name in tensors if name.endswith(".qweight")]
    if not modules:
        sys.exit("no quantized module was found")
    for module in modules:
        if config["quant_method"] == "gptq":
            values = decode_gptq(tensors, module, config["bits"])
        else:
            values = decode_awq(tensors, module, config["group_size"])
        expected = plain[f"{module}.weight"]
        if values.shape != expected.shape or not np.array_equal(
            np.ascontiguousarray(values).view(np.uint32), np.ascontiguousarray(expected).view(np.uint32)
        ):
            sys.exit(f"{module}: differs, largest difference {np.abs(values - expected).max()}")
    print(f"{len(modules)} modules of {config['quant_method']} decode to the same bits")


main()
