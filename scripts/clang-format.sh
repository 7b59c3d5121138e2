#!/usr/bin/env bash
# Formats native/ and the benchmarks in C++; with --check, reports and changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(-i)
if [[ ${1:-} == --check ]]; then mode=(--dry-run -Werror); fi
format=$(command -v clang-format-19 || command -v clang-format) || {
  echo 'clang-format 19 is needed (apt: clang-format-19)' >&2
  exit 1
}
folders=(native)
for folder in benchmarks/native benchmarks/sharing; do
  if [[ -d $folder ]]; then folders+=("$folder"); fi
done
find "${folders[@]}" \( -name '*.cpp' -o -name '*.h' \) -print0 |
  xargs -0 -r "$format" "${mode[@]}"
