#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Dependencies point one way only: kernels <- core <- ui <- app. Fails with the lines that point the other way.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

failures=0

# forbid PATTERN REASON FOLDER... : no source in these folders may include what matches
forbid() {
  local pattern=$1 reason=$2
  shift 2
  if grep -rnE --include='*.h' --include='*.cpp' --include='*.cu' --include='*.cuh' "^ *#include $pattern" "$@"; then
    echo "^ $reason"
    failures=$((failures + 1))
  fi
}

forbid '<Q[A-Z]' 'kernels, core and the command line know nothing of Qt' kernels core app/cli
forbid '"(core|ui|app)/' 'kernels know nothing of the rooms above' kernels
forbid '"(ui|app)/' 'core knows nothing of front ends' core
forbid '"kernels/' 'the window speaks to core only' ui
forbid '"app/' 'the window is a library' ui
forbid '<(iostream|cstdio)>' 'kernels never print' kernels/formats kernels/cpu kernels/plugin

exit "$((failures > 0))"
