# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes tests/data/layouts: small quantized layers with what the libraries decode from them, one file per layout.

Each file holds the tensors of one module `layer` as a checkpoint would, `expected` (float32 [out, in]) and, in its
metadata, `quantization_config`. Where the name says so the library itself packs and decodes:
  compressed_*   compressed-tensors (PackedQuantizationCompressor, NaiveQuantizationCompressor)
  awq_gemv       AutoAWQ, WQLinear_GEMV.from_linear; decoded by the formula of its test, (q - z) * s
  fp8_tiles_*    torch.float8_e4m3fn, scales repeated over the tiles as transformers' finegrained_fp8 does
  gptq_*         packed shift by shift as AutoGPTQ's qlinear_cuda_old.py does, (q - z) * s
Needs torch, numpy, safetensors, compressed-tensors and the unpacked source of AutoAWQ:
  make_layout_vectors.py OUTPUT_FOLDER AUTOAWQ_FOLDER
"""
import importlib.util
import json
import sys
import types
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

out_folder, awq_folder = Path(sys.argv[1]), Path(sys.argv[2])
generator = torch.Generator().manual_seed(5)


def save(name, tensors, config, expected):
    tensors = {f"layer.{key}": value.contiguous() for key, value in tensors.items()}
    tensors["expected"] = expected.to(torch.float32).contiguous()
    save_file(tensors, out_folder / f"{name}.safetensors", {"quantization_config": json.dumps(config)})


def random(*shape):
    return torch.randn(*shape, generator=generator)


def integers(high, *shape):
    return torch.randint(0, high, shape, generator=generator)


def gptq_pack_rows(values, bits):
    """[K, N] codes to int32 [K * bits / 32, N], packed along the first axis, shift by shift."""
    values = values.numpy().astype(np.uint32)
    count, width = values.shape
    words = np.zeros((count // 32 * bits, width), np.uint32)
    if bits != 3:
        per_word = 32 // bits
        for i in range(count):
            words[i // per_word] |= values[i] << (bits * (i % per_word))
        return torch.from_numpy(words.view(np.int32))
    for block in range(count // 32):
        v, w = values[32 * block:], words[3 * block:]
        for j in range(10):
            w[0] |= v[j] << (3 * j)
        w[0] |= v[10] << 30
        w[1] |= (v[10] >> 2) & 1
        for j in range(10):
            w[1] |= v[11 + j] << (3 * j + 1)
        w[1] |= v[21] << 31
        w[2] |= (v[21] >> 1) & 3
        for j in range(10):
            w[2] |= v[22 + j] << (3 * j + 2)
    return torch.from_numpy(words.view(np.int32))


def gptq(name, bits, group, version, act_order=False, scale_type=torch.float16):
    rows, columns = 64, 96
    groups = -(-columns // group) if group > 0 else 1
    g_idx = torch.arange(columns) // group if group > 0 else torch.zeros(columns, dtype=torch.int64)
    if act_order:
        g_idx = g_idx[torch.randperm(columns, generator=generator)]
    codes = integers(2**bits, rows, columns)
    # A zero of 0 cannot be told apart in v1.
    zeros = integers(2**bits - 1, groups, rows) + 1
    scales = (random(groups, rows).abs() * 0.01 + 1e-3).to(scale_type)
    stored_zeros = zeros - 1 if version == "gptq" else zeros
    expected = (codes - zeros[g_idx].T).to(torch.float32) * scales[g_idx].T.to(torch.float32)
    tensors = {"qweight": gptq_pack_rows(codes.T, bits), "qzeros": gptq_pack_rows(stored_zeros.T, bits).T,
               "scales": scales, "g_idx": g_idx.to(torch.int32)}
    config = {"quant_method": "gptq", "bits": bits, "group_size": group, "sym": False, "desc_act": act_order,
              "checkpoint_format": version}
    save(name, tensors, config, expected)


def awq_gemv():
    stub = types.ModuleType("awq.utils.module")
    stub.try_import = lambda name: (None, "")
    sys.modules.update({"awq": types.ModuleType("awq"), "awq.utils": types.ModuleType("awq.utils"),
                        "awq.utils.module": stub})
    spec = importlib.util.spec_from_file_location("gemv", awq_folder / "awq/modules/linear/gemv.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for group, columns in ((64, 320), (128, 256)):
        rows, groups = 16, columns // group
        scales = (random(rows, groups).abs() * 0.01 + 1e-3).half()
        zeros = integers(16, rows, groups)
        codes = integers(16, rows, columns)
        weight = (codes - zeros.repeat_interleave(group, 1)) * scales.repeat_interleave(group, 1)
        linear = torch.nn.Linear(columns, rows, bias=False).half()
        linear.weight.data = weight.half()
        packed = module.WQLinear_GEMV.from_linear(linear, 4, group, scales=scales, zeros=zeros)
        expected = (codes - zeros.repeat_interleave(group, 1)).float() * scales.float().repeat_interleave(group, 1)
        save(f"awq_gemv_g{group}", {key: getattr(packed, key) for key in ("qweight", "qzeros", "scales")},
             {"quant_method": "awq", "bits": 4, "group_size": group, "zero_point": True, "version": "gemv"}, expected)


def compressed(name, compressor, format_name, shape, state, arguments):
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    scheme = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(**arguments))
    state["weight"] = random(*shape) * 0.05
    packed = compressor.compress(state, scheme)
    # With scales in float32 the library's product is rounded to float32 and not to the type of the scales.
    wide = dict(packed, weight_scale=packed["weight_scale"].float())
    expected = compressor.decompress(wide, scheme)["weight"]
    config = {"quant_method": "compressed-tensors", "format": format_name,
              "config_groups": {"group_0": {"targets": ["Linear"], "weights": arguments}}, "ignore": ["lm_head"]}
    save(name, packed, config, expected)


def compressed_all():
    from compressed_tensors.compressors.naive_quantized import base as naive
    from compressed_tensors.compressors.pack_quantized.base import PackedQuantizationCompressor as Packed
    shape = (40, 96)
    grouped = {"type": "int", "num_bits": 4, "strategy": "group", "group_size": 32}
    scale = random(40, 3).abs() * 0.01 + 5e-3
    zero = torch.randint(-8, 8, (40, 3), generator=generator).to(torch.int8)
    compressed("compressed_int4_group", Packed, "pack-quantized", shape, {"weight_scale": scale},
               grouped | {"symmetric": True})
    compressed("compressed_int4_group_zeros", Packed, "pack-quantized", shape,
               {"weight_scale": scale, "weight_zero_point": zero}, grouped | {"symmetric": False})
    compressed("compressed_int8_row", Packed, "pack-quantized", (40, 90), {"weight_scale": scale[:, :1].bfloat16()},
               {"type": "int", "num_bits": 8, "strategy": "channel", "symmetric": True})
    float_compressor = getattr(naive, "FloatQuantizationCompressor", naive.NaiveQuantizationCompressor)
    fp8 = {"type": "float", "num_bits": 8, "symmetric": True}
    compressed("compressed_fp8_row", float_compressor, "float-quantized", shape,
               {"weight_scale": (scale[:, :1] * 0.02).bfloat16()}, fp8 | {"strategy": "channel"})
    compressed("compressed_fp8_matrix", float_compressor, "float-quantized", shape,
               {"weight_scale": torch.tensor([3e-4])}, fp8 | {"strategy": "tensor"})


def fp8_tiles(name, scale_type):
    rows, columns, tile = 40, 100, 16
    weight = random(rows, columns).to(torch.float8_e4m3fn)
    scales = (random(-(-rows // tile), -(-columns // tile)).abs() * 0.01 + 1e-3).to(scale_type)
    repeated = scales.float().repeat_interleave(tile, 0)[:rows].repeat_interleave(tile, 1)[:, :columns]
    save(name, {"weight": weight, "weight_scale_inv": scales},
         {"quant_method": "fp8", "weight_block_size": [tile, tile], "activation_scheme": "dynamic"},
         weight.float() * repeated)


out_folder.mkdir(parents=True, exist_ok=True)
gptq("gptq_2bit_v1", 2, 32, "gptq")
gptq("gptq_3bit_v1", 3, 32, "gptq")
gptq("gptq_3bit_v2_act_order", 3, 32, "gptq_v2", act_order=True)
gptq("gptq_4bit_v1_bf16", 4, 32, "gptq", scale_type=torch.bfloat16)
gptq("gptq_8bit_v1", 8, -1, "gptq")
gptq("gptq_8bit_v2", 8, 64, "gptq_v2")
awq_gemv()
compressed_all()
fp8_tiles("fp8_tiles_f32", torch.float32)
fp8_tiles("fp8_tiles_bf16", torch.bfloat16)
