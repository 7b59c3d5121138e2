#!/usr/bin/env bash
# native-tests.sh BUILD_DIR [SANITIZERS]: builds and runs the C++ tests.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
sanitize=${2:-}
jobs=${PAGEBOX_JOBS:-2}

# A whole build takes a third of the time in units; one file's, the time of a unit.
units=OFF
if [[ -n $sanitize || -n ${CI:-} ]]; then units=ON; fi

# What ships is what is tested: in CI the core is there, compiled a moment ago by `npm ci`.
built=
if [[ -z $sanitize && -n ${CI:-} && -e build/Release/obj.target/core_model.a ]]; then
  built=$PWD/build/Release/obj.target
fi

generator=()
if [[ ! -e $build/CMakeCache.txt ]] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
cmake -S native -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DPAGEBOX_SANITIZE="$sanitize" -DPAGEBOX_UNITS=$units \
  -DPAGEBOX_BUILT="$built" >/dev/null
cmake --build "$build" -j "$jobs"
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$jobs"
