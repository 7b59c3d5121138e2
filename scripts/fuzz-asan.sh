#!/usr/bin/env bash
# fuzz-asan.sh [OPTIONS OF test/fuzz/main.ts]: the fuzzers on an addon with the address and undefined sanitizers, which
# it builds first. `fuzz-asan.sh --seconds 600 --seed 5000`; all kinds in turn unless --kind names one.
set -euo pipefail
cd "$(dirname "$0")/.."

build=$PWD/build-fuzz-asan
mkdir -p "$build"
npx --no-install cmake-js compile --silent -O "$build/build" --CDPAGEBOX_TESTS=OFF --CDPAGEBOX_UNITS=ON \
  --CDPAGEBOX_SANITIZE=address,undefined --parallel "${PAGEBOX_JOBS:-2}" >"$build/build.log" 2>&1 || {
  tail -n 40 "$build/build.log" >&2
  exit 2
}

# node-gyp-build looks here, and nowhere else.
export PAGEBOX_PREBUILD=$build
# The sanitizer has to be there before Node; its report before Node's handler; a refused allocation is an error to
# be thrown. Node itself leaks at its end.
export ASAN_OPTIONS=detect_leaks=0:allow_user_segv_handler=0:allocator_may_return_null=1:detect_stack_use_after_return=0
export UBSAN_OPTIONS=print_stacktrace=1
LD_PRELOAD=$(gcc -print-file-name=libasan.so)
export LD_PRELOAD
exec node --import tsx test/fuzz/main.ts --kind api,declared,files --patience 90 --folder "$PWD/build-fuzz/asan" "$@"
