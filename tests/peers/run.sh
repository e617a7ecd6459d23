#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Writes folders with the program and has other programs read them. Skips, and says so, what is not at hand:
#   QUANTSCOPE_CLI    the program, default build/release/app/quantscope-cli
#   QUANTSCOPE_PEER_PYTHON  a python with numpy, torch, transformers, bitsandbytes and safetensors
#   QUANTSCOPE_PEER_MODEL   a small Hugging Face folder of Llama architecture whose sizes are multiples of 32
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
cli="${QUANTSCOPE_CLI:-$here/../../build/release/app/quantscope-cli}"
python="${QUANTSCOPE_PEER_PYTHON:-python3}"
model="${QUANTSCOPE_PEER_MODEL:-$here/../../../shared/reference/models/llama3_rope_gqa_tied}"
[ -x "$cli" ] || { echo "PEER SKIPPED: $cli is not built"; exit 77; }
[ -d "$model" ] || { echo "PEER SKIPPED: no model at $model (set QUANTSCOPE_PEER_MODEL)"; exit 77; }
"$python" -c 'import numpy' 2>/dev/null || { echo "PEER SKIPPED: $python has no numpy (set QUANTSCOPE_PEER_PYTHON)"; exit 77; }
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
echo '[[1, 17, 5, 42, 99, 7, 3, 3, 250], [2, 400, 11]]' > "$work/ids.json"

# say WHAT COMMAND...: its answer in one line; a failure ends the script
say() {
  local answer
  answer="$("${@:2}" 2>"$work/errors")" || { echo "PEER FAILED: $1: $answer"; cat "$work/errors"; exit 1; }
  echo "$1: $answer"
}

# write SETTINGS FORMAT NAME: the folder and what it decodes to
write() {
  "$cli" quantize "$model" "$1" --format "$2" --out "$work/$3" > /dev/null
  "$cli" quantize "$work/$3" as-stored:compute=fp32 --format safetensors --out "$work/$3-plain" > /dev/null
  "$cli" verify "$work/$3" "$model" > /dev/null
  "$cli" logits "$work/$3" "${4:-as-stored:compute=fp32}" --ids "$work/ids.json" --out "$work/$3.logits.safetensors" > /dev/null
}

for settings in int4:block=32 int4:block=4096 int8; do
  name="gptq-${settings//[:=]/-}"
  write "$settings" gptq "$name"
  say "$settings as GPTQ" "$python" "$here/decode_integer_folder.py" "$work/$name" "$work/$name-plain"
done
for settings in int4:block=32 int4:block=4096; do
  name="awq-${settings//[:=]/-}"
  write "$settings" awq "$name"
  say "$settings as AWQ" "$python" "$here/decode_integer_folder.py" "$work/$name" "$work/$name-plain"
done

if ! "$python" -c 'import bitsandbytes, transformers' 2>/dev/null; then
  echo "PEER SKIPPED: $python has no transformers with bitsandbytes (set QUANTSCOPE_PEER_PYTHON)"
  exit 77
fi
# Blocks of 32, which rows of this model are made of: bitsandbytes' AVX-512 decoder is wrong where a block spans rows.
for settings in nf4:block=32 nf4-dq:block=32 fp4:block=32 fp4-dq:block=32 int8; do
  # INT8 as stored codes its activations too; the yardstick is its decoded weights in fp32.
  if [ "$settings" = int8 ]; then how=fp32; else how=as-stored:compute=fp32; fi
  write "$settings" bitsandbytes "bnb-${settings%%:*}" "$how"
  say "$settings as bitsandbytes" "$python" "$here/load_bitsandbytes_folder.py" "$work/bnb-${settings%%:*}" \
    "$work/bnb-${settings%%:*}-plain" "$work/ids.json" "$work/bnb-${settings%%:*}.logits.safetensors"
done
