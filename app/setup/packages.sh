# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Debian packages: which ones a purpose needs, and installing those that are missing.

# shellcheck source=app/setup/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# packages_of GROUP... -> package names, one a line
packages_of() {
  local wanted=" $* " group package
  while read -r group package _; do
    if [[ $group != '#'* && -n $package && $wanted == *" $group "* ]]; then
      printf '%s\n' "$package"
    fi
  done <"$source_root/app/setup/packages.txt"
}

# missing_packages PACKAGE... -> those that are not installed
missing_packages() {
  local installed package
  installed=$(dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qx "$package installed" <<<"$installed" || printf '%s\n' "$package"
  done
}

as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif has_command sudo; then
    sudo "$@"
  else
    fail "root rights are needed and sudo is not installed; run as root: $*"
  fi
}

# install_packages GROUP... : calls apt-get only when something is missing
install_packages() {
  if ! has_command dpkg-query; then
    say "no dpkg here: install what app/setup/packages.txt lists with your own package manager"
    return
  fi
  local missing
  mapfile -t missing < <(packages_of "$@")
  mapfile -t missing < <(missing_packages "${missing[@]}")
  if [[ ${#missing[@]} == 0 ]]; then
    return
  fi
  say "installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update >&2 || say "apt-get update failed; trying what is known"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}" >&2 ||
    fail "apt-get could not install: ${missing[*]}"
}
