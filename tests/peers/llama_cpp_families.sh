#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes a small random model of each family, writes it as GGUF and checks it with llama_cpp.sh, which see.
# usage: tests/peers/llama_cpp_families.sh TEXT [FAMILY...]
#   QUANTSCOPE_PEER_PYTHON  a python with torch, transformers and tokenizers
#   QUANTSCOPE_LLAMACPP, QUANTSCOPE_CLI  as for llama_cpp.sh
set -euo pipefail
[ $# -ge 1 ] || { sed -n 3,7p "$0"; exit 2; }
here="$(cd "$(dirname "$0")" && pwd)"
python="${QUANTSCOPE_PEER_PYTHON:-python3}"
"$python" -c 'import tokenizers, torch, transformers' 2>/dev/null ||
  { echo "PEER SKIPPED: $python has no torch, transformers and tokenizers (set QUANTSCOPE_PEER_PYTHON)"; exit 0; }
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
text=$1
shift
"$python" "$here/make_family_models.py" "$text" "$folder" "$@" > "$folder/models" 2> "$folder/log" || { cat "$folder/log"; exit 1; }
while read -r model; do
  echo "== $(basename "$model")"
  QUANTSCOPE_TYPES="${QUANTSCOPE_TYPES:-f32 q8_0}" "$here/llama_cpp.sh" "$model" "$text" 2
done < "$folder/models"
