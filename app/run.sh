#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is missing, builds Quantscope, fetches the default model once, and starts the program.
#
#   app/run.sh                       the window; without a display the default comparison in the terminal
#   app/run.sh FILE                  the window with this checkpoint or workspace
#   app/run.sh SUB-COMMAND ...       quantscope-cli (inspect, forecast, compare, ...; see --help)
#   app/run.sh --version             builds, prints the version, starts nothing
#   app/run.sh --help                this text
set -euo pipefail

setup="$(dirname "${BASH_SOURCE[0]}")/setup"
# shellcheck source=app/setup/packages.sh
source "$setup/packages.sh"
# shellcheck source=app/setup/toolkit.sh
source "$setup/toolkit.sh"
# shellcheck source=app/setup/model.sh
source "$setup/model.sh"
# shellcheck source=app/setup/build.sh
source "$setup/build.sh"

programs="$source_root/build/release/app"
sub_commands=" inspect forecast tokenize generate logits tensor quantize evaluate compare sensitivity run resume report
 import export benchmark devices "

is_sub_command() { [[ -n $1 && $sub_commands == *[[:space:]]"$1"[[:space:]]* ]]; }

has_display() { [[ -n ${DISPLAY-} || -n ${WAYLAND_DISPLAY-} || -n ${QT_QPA_PLATFORM-} ]]; }

build_programs() {
  install_packages build run
  local options
  mapfile -t options < <(cuda_options)
  configure release "${options[@]}" -DQUANTSCOPE_TESTS=OFF
  build release
}

compare_in_terminal() {
  local report
  report="$PWD/quantscope-report-$(date +%Y%m%d-%H%M%S)"
  say "no display (DISPLAY and WAYLAND_DISPLAY are empty): comparing the default model in the terminal instead"
  say "the report will be in $report"
  "$programs/quantscope-cli" compare default fp16 bf16 int8 int4 nf4 nf4-dq fp4 --task coqa --data sample \
    --report "$report"
  say "report: $report"
}

print_help() { sed -n '3,/^set /{s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }

main() {
  if [[ ${1-} == --help || ${1-} == -h ]]; then
    print_help
    return
  fi
  build_programs
  if [[ ${1-} == --version ]]; then
    exec "$programs/quantscope-cli" --version
  fi
  local model=present
  fetch_default_model || model=absent
  if is_sub_command "${1-}"; then
    exec "$programs/quantscope-cli" "$@"
  elif has_display; then
    exec "$programs/quantscope" "$@"
  elif [[ $# -gt 0 ]]; then
    fail "no display (DISPLAY and WAYLAND_DISPLAY are empty), and '$1' is not a sub-command of quantscope-cli"
  elif [[ $model == absent ]]; then
    fail "without a display the default model is needed; or give a sub-command, such as: app/run.sh inspect MODEL"
  fi
  compare_in_terminal
}

# Sourced, it only gives its functions away, for the tests.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  main "$@"
fi
