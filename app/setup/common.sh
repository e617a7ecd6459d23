# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034 # used by the scripts that source this one
# What the set-up scripts share: where things lie and how they speak. Messages go to standard error, because standard
# output belongs to the program that is started afterwards.

source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache_root="${XDG_CACHE_HOME:-$HOME/.cache}/quantscope"

say() { printf '==> %s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

has_command() { command -v "$1" >/dev/null 2>&1; }
