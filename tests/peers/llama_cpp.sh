#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Writes a model as GGUF in several types and checks each file with llama.cpp: it loads without a warning, and
# llama-perplexity and quantscope-cli agree on its perplexity within llama.cpp's own error.
# usage: tests/peers/llama_cpp.sh MODEL TEXT [CHUNKS]      (defaults: 4 windows of 512)
#   QUANTSCOPE_LLAMACPP  folder with llama-perplexity; without it the test is skipped and says so
#   QUANTSCOPE_CLI       quantscope-cli (default: build/dev/app/quantscope-cli)
#   QUANTSCOPE_TYPES     types to write (default: f16 q8_0 q4_0 q4_1 q5_0 q5_1 iq4_nl q4_k q6_k as-stored)
set -euo pipefail
[ $# -ge 2 ] || { sed -n 3,9p "$0"; exit 2; }
model=$1 text=$2 chunks=${3:-4}
cli=${QUANTSCOPE_CLI:-$(dirname "$0")/../../build/dev/app/quantscope-cli}
llama=${QUANTSCOPE_LLAMACPP:-}
if [ ! -x "$llama/llama-perplexity" ]; then
  echo "PEER SKIPPED: llama.cpp not found (set QUANTSCOPE_LLAMACPP to the folder of llama-perplexity)"
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0
printf '%-10s %12s %24s %12s %10s  %s\n' type bytes llama.cpp quantscope difference verdict
for type in ${QUANTSCOPE_TYPES:-f16 q8_0 q4_0 q4_1 q5_0 q5_1 iq4_nl q4_k q6_k as-stored}; do
  file="$folder/$type.gguf" log="$folder/$type.log"
  choice=(--gguf-type "$type")
  [ "$type" != as-stored ] || choice=()
  "$cli" quantize "$model" --format gguf "${choice[@]}" --out "$file" >/dev/null 2>&1
  "$llama/llama-perplexity" -m "$file" -f "$text" -c 512 -b 512 --chunks "$chunks" -t "$(nproc)" >"$log" 2>&1
  theirs=$(sed -n 's/.*Final estimate: PPL = \([0-9.]*\) +\/- \([0-9.]*\).*/\1 \2/p' "$log")
  ours=$("$cli" evaluate "$file" as-stored:compute=fp32 --task perplexity --data "$text" --chunks "0:$chunks" --json 2>/dev/null |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["perplexity"])')
  warnings=$(grep -ciE 'warn|missing|unknown|mismatch|invalid|not found|fail' "$log" || true)
  verdict=$(python3 - "$theirs" "$ours" "$warnings" <<'PY'
import sys
theirs, error = map(float, sys.argv[1].split())
ours, warnings = float(sys.argv[2]), int(sys.argv[3])
good = abs(ours - theirs) <= error and warnings == 0
print(f"{100 * (ours / theirs - 1):+.3f}% {'ok' if good else 'FAILED'}{'' if warnings == 0 else f' ({warnings} warnings)'}")
PY
  )
  printf '%-10s %12s %24s %12.4f %10s  %s\n' "$type" "$(stat -c %s "$file")" "${theirs/ / +- }" "$ours" $verdict
  case $verdict in *FAILED*) failures=$((failures + 1)); grep -iE 'warn|missing|unknown|mismatch|invalid|not found|fail' "$log" || true ;; esac
done
[ $failures -eq 0 ] || { echo "$failures files failed"; exit 1; }
