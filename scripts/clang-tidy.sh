#!/usr/bin/env bash
# clang-tidy.sh [FILE...]: checks the files, or all sources, the most
# recently changed first, within PAGEBOX_TIDY_SECONDS (default 240). What the
# time did not suffice for is named; only findings fail.
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

files=("$@")
if [[ ${#files[@]} == 0 ]]; then
  mapfile -t all < <(for part in host model addon; do node scripts/sources.mjs $part --files; done | sort -u)
  mapfile -t files < <(
    {
      git log --format= --name-only -n 200 -- native 2>/dev/null || true
      printf '%s\n' "${all[@]}"
    } | awk 'NF && !seen[$0]++' | grep -Fx -f <(printf '%s\n' "${all[@]}")
  )
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
for file in "${files[@]}"; do
  while (($(jobs -rp | wc -l) >= jobs)); do wait -n || true; done
  check_one "$deadline" "$file" &
done
wait

shopt -s nullglob
skipped=("$log"/*.skipped)
failed=("$log"/*.failed)
echo "clang-tidy: ${#files[@]} files, ${#failed[@]} with findings, ${#skipped[@]} not reached in ${seconds} s"
if [[ ${#skipped[@]} != 0 ]]; then sed 's/^/  not reached: /' "${skipped[@]}"; fi
if [[ ${#failed[@]} != 0 ]]; then
  cat "${failed[@]}"
  exit 1
fi
