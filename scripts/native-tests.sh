#!/usr/bin/env bash
# native-tests.sh BUILD_DIR [SANITIZERS]: builds and runs the C++ tests.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
sanitize=${2:-}
jobs=${PAGEBOX_JOBS:-2}

generator=()
if [[ ! -e $build/CMakeCache.txt ]] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
cmake -S native -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DPAGEBOX_SANITIZE="$sanitize" >/dev/null
cmake --build "$build" -j "$jobs"
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$jobs"
