#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads a bitsandbytes folder with transformers, without a warning, and compares it with the program's own figures.

PLAIN_FOLDER holds what the program decodes from the folder, in fp32; LOGITS the logits that it computes with the folder
as stored in fp32 for the ids in IDS (INT8: from decoded weights). Decoded weights must be equal bit for bit once rounded to the type that
bitsandbytes decodes to; logits of those weights in fp32 must agree within 2e-4 of their spread.
  load_bitsandbytes_folder.py FOLDER PLAIN_FOLDER IDS.json LOGITS.safetensors
"""
import json
import logging
import sys
import warnings

import torch
import transformers
from safetensors.torch import load_file

folder, plain_folder, ids_file, logits_file = sys.argv[1:5]
messages = []


class Collector(logging.Handler):
    def emit(self, record):
        messages.append(record.getMessage())


transformers.utils.logging.get_logger("transformers").addHandler(Collector(level=logging.WARNING))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, device_map="cpu", dtype="auto")
messages += [str(warning.message) for warning in caught if "deprecat" not in str(warning.message).lower()]
if messages:
    sys.exit("transformers warned:\n" + "\n".join(messages))

import bitsandbytes  # noqa: E402  (transformers imports it when it is needed)

plain = load_file(f"{plain_folder}/model.safetensors")
compared = 0
for name, module in model.named_modules():
    expected = plain.get(f"{name}.weight")
    if isinstance(module, bitsandbytes.nn.Linear4bit):
        decoded = bitsandbytes.functional.dequantize_4bit(module.weight.data, module.weight.quant_state)
    elif isinstance(module, bitsandbytes.nn.Linear8bitLt):
        scale = module.weight.SCB.to(torch.float32).reshape(-1, 1)
        decoded = module.weight.data.to(torch.float32) * scale / 127
    else:
        continue
    if not torch.equal(decoded.reshape(expected.shape), expected.to(decoded.dtype)):
        difference = (decoded.reshape(expected.shape).float() - expected).abs().max().item()
        sys.exit(f"{name} decodes differently, largest difference {difference}")
    compared += 1
if compared == 0:
    sys.exit("no quantized module was found")

reference = transformers.AutoModelForCausalLM.from_pretrained(plain_folder, dtype=torch.float32)
logits = load_file(logits_file)
with open(ids_file) as file:
    sequences = json.load(file)
for i, ids in enumerate(sequences):
    with torch.no_grad():
        expected = reference(torch.tensor([ids])).logits[0]
    difference = (logits[f"logits.{i}"] - expected).abs().max().item()
    if difference > 2e-4 * max(1.0, expected.std().item()):
        sys.exit(f"sequence {i}: logits differ by {difference}")
print(f"{compared} modules decode to the same bits, {len(sequences)} sequences give the same logits, no warning")
