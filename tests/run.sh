#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds everything and runs every test, without a display.
#
#   tests/run.sh [ctest options]     the dev preset: optimised, with assertions
#   tests/run.sh --asan [options]    AddressSanitizer and UndefinedBehaviorSanitizer
#   tests/run.sh --tsan [options]    ThreadSanitizer, engine only
#   tests/run.sh --gpu [options]     the CUDA device on a GPU, then under compute-sanitizer
#   tests/run.sh --gpu-speed         a GPU's speed: whole models, operations of a generation step, paths of a product
#   tests/run.sh --fuzz SECONDS      each fuzz target for so long
#   tests/run.sh --tidy [FILE...]    clang-tidy over the C++ sources
#   tests/run.sh --format            is the layout of every source that of clang-format?
set -euo pipefail

setup="$(dirname "${BASH_SOURCE[0]}")/../app/setup"
# shellcheck source=app/setup/packages.sh
source "$setup/packages.sh"
# shellcheck source=app/setup/toolkit.sh
source "$setup/toolkit.sh"
# shellcheck source=app/setup/model.sh
source "$setup/model.sh"
# shellcheck source=app/setup/build.sh
source "$setup/build.sh"

reference_data="${QUANTSCOPE_SHARED:-$source_root/../shared}"

# prepare GROUP... : what every mode needs
prepare() {
  install_packages build run test "$@"
  export QT_QPA_PLATFORM=offscreen
}

# run_tests PRESET [ctest options] : ctest, then a count that does not let skipped comparisons pass unseen
run_tests() {
  local preset=$1 folder="$source_root/build/$1" strictness=lenient outcome=0
  shift
  if [[ -d $reference_data/reference ]]; then
    strictness=strict
  fi
  rm -f "$folder/tests.xml"
  (cd "$source_root" && ctest --preset "$preset" --parallel 2 --test-output-size-passed 65536 \
    --output-junit "$folder/tests.xml" "$@") | tee "$folder/tests.log" || outcome=1
  if [[ ! -f $folder/tests.xml ]]; then
    return 1  # ctest listed tests, or found none
  fi
  local count
  count=$(python3 "$source_root/tests/setup/count_tests.py" "$folder/tests.xml" "$strictness") || outcome=1
  head -n -1 <<<"$count"
  grep -E '[0-9]+% tests passed' "$folder/tests.log" || true
  tail -n 1 <<<"$count"
  return "$outcome"
}

test_dev() {
  prepare
  fetch_default_model || say "tests that need the default model will be skipped"
  local options
  mapfile -t options < <(cuda_options)
  configure dev "${options[@]}"
  build dev
  run_tests dev "$@"
}

# test_with_sanitizer PRESET [ctest options]
test_with_sanitizer() {
  prepare
  fetch_default_model || say "tests that need the default model will be skipped"
  configure "$1"
  build "$1"
  run_tests "$@"
}

# test_gpu [ctest options] : says so when there is no GPU
test_gpu() {
  prepare
  local options
  mapfile -t options < <(cuda_options)
  configure dev "${options[@]}"
  build dev --target test_gpu
  (cd "$source_root" && ctest --preset dev --label-regex '^gpu$' --verbose "$@")
}

# test_gpu_speed : says so when there is no GPU
test_gpu_speed() {
  local options program programs=(gpu_benchmark step_benchmark path_benchmark) without_gpu=77
  prepare
  mapfile -t options < <(cuda_options)
  configure dev "${options[@]}"
  build dev --target "${programs[@]}"
  for program in "${programs[@]}"; do
    say "$program"
    "$source_root/build/dev/tests/benchmarks/$program" || [[ $? -eq $without_gpu ]]
  done
}

# fuzz SECONDS : every tests/fuzz/KIND_fuzzer, from small whole files; what it learns stays in build/fuzz/corpus/KIND
fuzz() {
  local seconds=${1:?how many seconds for each target?} programs="$source_root/build/fuzz/tests/fuzz"
  local corpus="$source_root/build/fuzz/corpus" kind program
  prepare check
  configure fuzz
  build fuzz --target tests/fuzz/all
  "$programs/write_fuzz_seeds" "$corpus"
  for program in "$programs"/*_fuzzer; do
    kind=$(basename "$program" _fuzzer)
    mkdir -p "$corpus/$kind"
    say "fuzzing $kind for $seconds s"
    "$program" -max_total_time="$seconds" -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$corpus/$kind-" "$corpus/$kind" ||
      fail "$kind: found an input that fails; it is saved as $corpus/$kind-*"
  done
}

# cpp_sources PATTERN... : tracked files below the source folders
cpp_sources() { git -C "$source_root" ls-files -- "$@" | grep -E '^(app|core|kernels|ui|tests)/' || true; }

# tidy [FILE...] : clang-tidy 14 cannot read CUDA 13 sources, so .cu files are left out
tidy() {
  local files
  prepare check
  configure no-cuda
  build no-cuda  # writes the sources that Qt's tools generate
  cd "$source_root"
  if [[ $# -eq 0 ]]; then
    mapfile -t files < <(cpp_sources '*.cpp' | grep -v '^tests/')
    set -- "${files[@]}"
  fi
  printf '%s\n' "$@" | xargs --max-procs="$(nproc)" --max-args=1 clang-tidy-14 --quiet -p build/no-cuda --warnings-as-errors='*'
}

check_format() {
  prepare check
  cd "$source_root"
  cpp_sources '*.cpp' '*.h' '*.cu' '*.cuh' | xargs clang-format-14 --dry-run --Werror
  say "every source is laid out as .clang-format says"
}

main() {
  case ${1-} in
    --asan) shift && test_with_sanitizer asan "$@" ;;
    --tsan) shift && test_with_sanitizer tsan "$@" ;;
    --gpu) shift && test_gpu "$@" ;;
    --gpu-speed) test_gpu_speed ;;
    --fuzz) shift && fuzz "$@" ;;
    --tidy) shift && tidy "$@" ;;
    --format) check_format ;;
    *) test_dev "$@" ;;
  esac
}

main "$@"
