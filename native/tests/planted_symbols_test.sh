#!/usr/bin/env bash
# What ships knows no planted fault: no symbol, no string, not even the switch. The build
# that has them shows that this looks in the right place.
# Usage: planted_symbols_test.sh CORE_HOST.a CORE_MODEL.a CORE_PLANTED.a
set -euo pipefail

names=$(sed -n 's/.*MISTAKE(k[A-Za-z]*, "\([a-z-]*\)".*/\1/p' "$(dirname "$0")/../base/fault.h")
[ "$(wc -l <<< "$names")" -ge 40 ] || { echo "no names in base/fault.h"; exit 1; }

# Symbols of faults, as linkers see them, and of the third namespace.
symbols() { nm "$1" 2>/dev/null | grep -cE 'armed_faults|7Mistake|7planted|leave_and_take' || true; }
texts() { strings -a "$1" | grep -cxF "$names" || true; }

for shipped in "$1" "$2"; do
  [ "$(nm "$shipped" 2>/dev/null | wc -l)" -gt 1000 ] || { echo "$shipped: no symbols"; exit 1; }
  [ "$(symbols "$shipped")" -eq 0 ] || { echo "$shipped knows planted faults"; exit 1; }
  [ "$(texts "$shipped")" -eq 0 ] || { echo "$shipped has names of faults"; exit 1; }
done
[ "$(symbols "$3")" -gt 0 ] || { echo "$3 knows no faults"; exit 1; }
echo "no fault in what ships, $(symbols "$3") symbols in the tests' build"
