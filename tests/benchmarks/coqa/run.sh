#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Questions a second of this program and of lm-eval with transformers, on the same cores, in fp32, one after the other,
# and how many answers are the same.
# usage: tests/benchmarks/coqa/run.sh COQA.json [PEER STORIES]     (default: the peer answers stories 0:2)
#   QUANTSCOPE_PEER_PYTHON  a python with torch, transformers and lm-eval; without it the peer is left out
#   QUANTSCOPE_CLI          default: build/release/app/quantscope-cli
#   QUANTSCOPE_MODEL        a GGUF file; default: the default model in the user's cache
set -euo pipefail
[ $# -ge 1 ] || { sed -n 5,9p "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
dataset=$1 peer_stories=${2:-0:2}
cli=${QUANTSCOPE_CLI:-$here/../../../build/release/app/quantscope-cli}
model=${QUANTSCOPE_MODEL:-default}
threads=$(nproc)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# ours NAME CONFIGURATION STORIES
ours() {
  "$cli" evaluate "$model" "$2" --task coqa --data "$dataset" --items all --stories "$3" --threads "$threads" --json \
    >"$folder/$1.json" 2>/dev/null
}

ours all fp32 0:100000
ours same fp32 "$peer_stories"
if [ -n "${QUANTSCOPE_PEER_PYTHON:-}" ]; then
  file=$model
  [ "$model" != default ] || file=$(find "${XDG_CACHE_HOME:-$HOME/.cache}/quantscope" -name '*.gguf' | head -n 1)
  "$QUANTSCOPE_PEER_PYTHON" "$here/lm_eval_peer.py" "$file" "$dataset" "$peer_stories" "$threads" >"$folder/peer.json"
fi
python3 "$here/compare.py" "$folder"
