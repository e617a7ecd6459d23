#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Writes a model as GGUF in several types and checks each file with llama.cpp: it loads without a warning;
# llama-perplexity and quantscope-cli agree on its perplexity within llama.cpp's own error, and within 0.05 % where
# llama.cpp decoded the file first, as it rounds activations to 8 bits beside quantized weights.
# usage: tests/peers/llama_cpp.sh MODEL TEXT [CHUNKS]      (defaults: 4 windows of 512)
#   QUANTSCOPE_LLAMACPP  folder with llama-perplexity and llama-quantize; without it the test is skipped and says so
#   QUANTSCOPE_CLI       quantscope-cli (default: build/dev/app/quantscope-cli)
#   QUANTSCOPE_TYPES     types to write (default: f16 q8_0 q4_0 q4_1 q5_0 q5_1 iq4_nl q4_k q6_k as-stored)
set -euo pipefail
[ $# -ge 2 ] || { sed -n 3,10p "$0"; exit 2; }
model=$1 text=$2 chunks=${3:-4}
cli=${QUANTSCOPE_CLI:-$(dirname "$0")/../../build/dev/app/quantscope-cli}
llama=${QUANTSCOPE_LLAMACPP:-}
if [ ! -x "$llama/llama-perplexity" ]; then
  echo "PEER SKIPPED: llama.cpp not found (set QUANTSCOPE_LLAMACPP to the folder of llama-perplexity)"
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# perplexity FILE LOG: llama.cpp's, and its error
perplexity() {
  # On a busy machine its log often ends before the result, which is written by a thread of its own.
  for attempt in $(seq 30); do
    "$llama/llama-perplexity" -m "$1" -f "$text" -c 512 -b 512 --chunks "$chunks" -t "$(nproc)" >"$2" 2>&1 || true
    ! grep -q "Final estimate" "$2" || break
  done
  sed -n 's/.*Final estimate: PPL = \([0-9.]*\) +\/- \([0-9.]*\).*/\1 \2/p' "$2"
}

failures=0
printf '%-10s %12s %24s %12s %12s %8s %8s  %s\n' type bytes llama.cpp decoded quantscope diff. diff. verdict
for type in ${QUANTSCOPE_TYPES:-f16 q8_0 q4_0 q4_1 q5_0 q5_1 iq4_nl q4_k q6_k as-stored}; do
  file="$folder/$type.gguf" log="$folder/$type.log"
  choice=(--gguf-type "$type")
  [ "$type" != as-stored ] || choice=()
  "$cli" quantize "$model" --format gguf "${choice[@]}" --out "$file" >/dev/null 2>&1
  theirs=$(perplexity "$file" "$log")
  "$llama/llama-quantize" --allow-requantize "$file" "$folder/decoded.gguf" F32 >"$folder/decoded.log" 2>&1
  decoded=$(perplexity "$folder/decoded.gguf" "$folder/decoded.log")
  ours=$("$cli" evaluate "$file" as-stored:compute=fp32 --task perplexity --data "$text" --chunks "0:$chunks" --json 2>/dev/null |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["perplexity"])')
  warnings=$(grep -ciE 'warn|missing|unknown|mismatch|invalid|not found|fail' "$log" || true)
  verdict=$(python3 - "$theirs" "$decoded" "$ours" "$warnings" <<'PY'
import sys
theirs, error = map(float, sys.argv[1].split())
decoded = float(sys.argv[2].split()[0])
ours, warnings = float(sys.argv[3]), int(sys.argv[4])
good = abs(ours - theirs) <= error and abs(ours / decoded - 1) <= 5e-4 and warnings == 0
print(f"{100 * (ours / theirs - 1):+.3f}% {100 * (ours / decoded - 1):+.3f}% {'ok' if good else 'FAILED'}"
      f"{'' if warnings == 0 else f' ({warnings} warnings)'}")
PY
  )
  printf '%-10s %12s %24s %12s %12.4f %8s %8s  %s\n' "$type" "$(stat -c %s "$file")" "${theirs/ / +- }" "${decoded%% *}" "$ours" $verdict
  case $verdict in *FAILED*) failures=$((failures + 1)); grep -iE 'warn|missing|unknown|mismatch|invalid|not found|fail' "$log" || true ;; esac
  rm -f "$file" "$folder/decoded.gguf"
done
[ $failures -eq 0 ] || { echo "$failures files failed"; exit 1; }
