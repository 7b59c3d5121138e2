#!/usr/bin/env bash
# clang-tidy.sh [FILE...]: checks the files; without any, the sources that changed since it was last content
# (tidy-order.mjs says since when), all of them, and then the others, as many as PAGEBOX_TIDY_SECONDS (default 240, from
# the beginning) have room for. What they had none for is named; only findings fail.
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
if [[ $# == 0 ]]; then
  order=$(node scripts/tidy-order.mjs "$build")
  mapfile -t must < <(sed -n 's/^must //p' <<<"$order")
  mapfile -t may < <(sed -n 's/^may //p' <<<"$order")
fi

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
deadline=$((SECONDS + seconds))
check_one() {
  local name=${2//\//_}
  if ((SECONDS >= $1)); then
    echo "$2" >"$log/$name.skipped"
  elif ! "$tidy" --quiet -p "$build" "$2" >"$log/$name.out" 2>"$log/$name.err"; then
    cat "$log/$name.out" "$log/$name.err" >"$log/$name.failed"
  fi
}
check_all() {
  local until=$1 file
  shift
  for file in "$@"; do
    while (($(jobs -rp | wc -l) >= jobs)); do wait -n || true; done
    check_one "$until" "$file" &
  done
}
whenever=$((1 << 30))
check_all "$whenever" "${must[@]}"
check_all "$deadline" "${may[@]}"
wait

shopt -s nullglob
skipped=("$log"/*.skipped)
failed=("$log"/*.failed)
echo "clang-tidy: ${#must[@]} files to see and ${#may[@]} others, ${#failed[@]} with findings, ${#skipped[@]} not reached in ${seconds} s"
if [[ ${#skipped[@]} != 0 ]]; then sed 's/^/  not reached: /' "${skipped[@]}"; fi
if [[ ${#failed[@]} != 0 ]]; then
  cat "${failed[@]}"
  exit 1
fi
# From here on is what the next run has to see, if this one saw all that was committed before.
if [[ $# == 0 ]] && git diff --quiet HEAD -- native 2>/dev/null; then git rev-parse HEAD >"$build/green"; fi
