#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The set-up functions against a pretended system: nothing is installed or downloaded.
# shellcheck disable=SC2317 # the functions that pretend are called by the functions under test
set -euo pipefail

sandbox=$(mktemp --directory)
trap 'rm -rf "$sandbox"' EXIT
export XDG_CACHE_HOME="$sandbox/cache"

setup="$(dirname "${BASH_SOURCE[0]}")/../../app/setup"
# shellcheck source=app/setup/packages.sh
source "$setup/packages.sh"
# shellcheck source=app/setup/toolkit.sh
source "$setup/toolkit.sh"
# shellcheck source=app/setup/model.sh
source "$setup/model.sh"
# shellcheck source=app/run.sh
source "$setup/../run.sh"

failures=0

# expect_equal WHAT EXPECTED ACTUAL
expect_equal() {
  if [[ $2 != "$3" ]]; then
    printf 'FAILED %s\n  expected: %s\n  actual:   %s\n' "$1" "$2" "$3"
    failures=$((failures + 1))
  fi
}

test_only_sub_commands_go_to_the_command_line() {
  local word known=""
  for word in compare run devices; do
    is_sub_command "$word" && known+=" $word"
  done
  expect_equal "sub-commands" " compare run devices" "$known"
  for word in "" " " model.gguf --theme "compare run"; do
    if is_sub_command "$word"; then expect_equal "no sub-command" "" "'$word'"; fi
  done
}

test_package_list_gives_a_reason_for_each() {
  local without_reason
  without_reason=$(grep -v '^#' "$source_root/app/setup/packages.txt" | awk 'NF < 3' || true)
  expect_equal "packages without a reason" "" "$without_reason"
  expect_equal "packages listed twice" "" "$(packages_of build run test check toolkit | sort | uniq -d)"
  expect_equal "a group of its own" python3-venv "$(packages_of toolkit)"
}

test_only_missing_packages_are_installed() {
  # A removed package whose configuration is left is still known to dpkg.
  dpkg-query() { printf 'cmake installed\ng++ config-files\nlibg installed\n'; }
  expect_equal "missing packages" "g++ unzip" "$(missing_packages cmake g++ unzip | xargs)"
  dpkg-query() { packages_of build run | sed 's/$/ installed/'; }
  as_root() { printf 'as_root %s\n' "$*"; }
  expect_equal "apt-get when all is there" "" "$(install_packages build run 2>&1)"
}

test_only_cuda_13_counts() {
  local release
  for release in 12.8 13.0; do
    mkdir -p "$sandbox/cuda-$release"
    printf '#!/bin/sh\necho "Cuda compilation tools, release %s, V%s.88"\n' "$release" "$release" \
      >"$sandbox/cuda-$release/nvcc"
    chmod +x "$sandbox/cuda-$release/nvcc"
  done
  expect_equal "CUDA 13" yes "$(is_cuda_13 "$sandbox/cuda-13.0/nvcc" && echo yes)"
  expect_equal "CUDA 12" no "$(is_cuda_13 "$sandbox/cuda-12.8/nvcc" || echo no)"
  installed_nvcc() { :; }
  has_nvidia_driver() { false; }
  expect_equal "neither toolkit nor driver" -DQUANTSCOPE_CUDA=OFF "$(cuda_options)"
}

test_a_damaged_model_is_thrown_away() {
  download_model() { printf 'not the model' >"$2"; }
  expect_equal "wrong digest" refused "$(fetch_default_model 2>/dev/null && echo taken || echo refused)"
  expect_equal "files left behind" "" "$(find "$XDG_CACHE_HOME" -type f)"
}

test_an_interrupted_model_does_not_count() {
  mkdir -p "$(dirname "$(default_model_path)")"
  printf 'half' >"$(default_model_path)"
  expect_equal "size differs" absent "$(has_default_model && echo present || echo absent)"
}

test_only_sub_commands_go_to_the_command_line
test_package_list_gives_a_reason_for_each
test_only_missing_packages_are_installed
test_only_cuda_13_counts
test_a_damaged_model_is_thrown_away
test_an_interrupted_model_does_not_count
exit "$((failures > 0))"
