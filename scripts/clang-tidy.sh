#!/usr/bin/env bash
# clang-tidy.sh [--all | FILE...]: checks the files; without any, the sources that changed since it was last content
# (tidy-order.mjs says since when), all of them; the others without the checks that follow paths; and as many of those
# with them too as PAGEBOX_TIDY_SECONDS (default 240, from then on) have room for. What they had none for is named;
# only findings fail. --all: every source, and .ci/tidy-green, to be committed, tells a fresh clone so. Sources are read
# in units (tidy-units.mjs).
set -euo pipefail
cd "$(dirname "$0")/.."
build=${PAGEBOX_TIDY_BUILD:-build-tidy}
seconds=${PAGEBOX_TIDY_SECONDS:-240}
jobs=${PAGEBOX_JOBS:-2}
tidy=$(command -v clang-tidy-19 || command -v clang-tidy) || {
  echo 'clang-tidy 19 is needed (apt: clang-tidy-19)' >&2
  exit 1
}
# The addon's headers, as cmake-js would name them.
headers=$(node -p '[require("node-api-headers").include_dir, require("node-addon-api").include_dir.replaceAll("\"", "")].map((folder) => require("path").resolve(folder)).join(";")')
cmake -S native -B "$build" -DPAGEBOX_TESTS=OFF -DCMAKE_JS_INC="$headers" >/dev/null

must=("$@")
may=()
if [[ ${1-} == --all ]]; then
  mapfile -t must < <(grep -v '^#' native/sources.txt)
elif [[ $# == 0 ]]; then
  order=$(node scripts/tidy-order.mjs "$build")
  mapfile -t must < <(sed -n 's/^must //p' <<<"$order")
  mapfile -t may < <(sed -n 's/^may //p' <<<"$order")
fi

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
# Of a function as many states as are worth their time: a third of what clang's analyzer looks at by itself.
nodes=(-Xclang -analyzer-config -Xclang max-nodes=75000)
# check_unit NAME UNTIL CHECKS UNIT SOURCES
check_unit() {
  local at="$log/$1-${4##*/}"
  if ((SECONDS >= $2)); then
    tr '\t' '\n' <<<"$5" >"$at.skipped"
  elif ! "$tidy" --quiet --checks="$3" "${nodes[@]/#/--extra-arg=}" -p "${4%/*}" "$4" >"$at.out" 2>"$at.err"; then
    cat "$at.out" "$at.err" >"$at.failed"
  fi
}
# check_all NAME UNTIL CHECKS SIZE FILE...
check_all() {
  local name=$1 until=$2 checks=$3 size=$4 units unit sources
  shift 4
  if [[ $# == 0 ]]; then return; fi
  units=$(printf '%s\n' "$@" | node scripts/tidy-units.mjs "$build" "$name" "$size")
  while IFS=$'\t' read -r unit sources; do
    while (($(jobs -rp | wc -l) >= jobs)); do wait -n || true; done
    check_unit "$name" "$until" "$checks" "$unit" "$sources" &
  done <<<"$units"
}
# Following paths takes nine tenths of the time, a source at a time; the rest is the headers, once a unit.
whenever=$((1 << 30))
check_all changed "$whenever" '' 8 "${must[@]}"
check_all others "$whenever" '-clang-analyzer-*' 24 "${may[@]}"
check_all paths "$((SECONDS + seconds))" '' 8 "${may[@]}"
wait

shopt -s nullglob
skipped=()
for file in "$log"/*.skipped; do mapfile -t -O "${#skipped[@]}" skipped <"$file"; done
failed=("$log"/*.failed)
echo "clang-tidy: ${#must[@]} files seen, ${#may[@]} others without following paths, $((${#may[@]} - ${#skipped[@]})) of them with, in $SECONDS s"
if [[ ${#skipped[@]} != 0 ]]; then printf '  no path followed: %s\n' "${skipped[@]}"; fi
if [[ ${#failed[@]} != 0 ]]; then
  cat "${failed[@]}"
  exit 1
fi
# From here on is what the next run has to see, if this one saw all that was committed before.
if [[ $# == 0 || ${1-} == --all ]] && git diff --quiet HEAD -- native 2>/dev/null; then
  git rev-parse HEAD >"$build/green"
  if [[ $# != 0 ]]; then cp "$build/green" .ci/tidy-green; fi
fi
