# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Configuring and building one CMake preset.

# shellcheck source=app/setup/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# configure PRESET [CMake option...] : skipped when the same options and presets were used before; Ninja itself notices
# changed CMake files, so a second start costs seconds
configure() {
  local preset=$1 folder="$source_root/build/$1" stamp
  stamp="$folder/configured_with"
  if [[ -f $folder/build.ninja && $stamp -nt $source_root/CMakePresets.json && $(<"$stamp") == "$*" ]]; then
    return
  fi
  say "configuring preset $preset"
  (cd "$source_root" && cmake --preset "$@" >&2) || fail "configuring preset $preset failed"
  printf '%s\n' "$*" >"$stamp"
}

# build PRESET [--target TARGET]
build() {
  (cd "$source_root" && cmake --build --preset "$@" --parallel "$(nproc)" >&2) || fail "building preset $1 failed"
}
