#!/usr/bin/env bash
# The two environments share no symbol of the project: one body would serve both,
# and the model would run the host's. Usage: symbols_test.sh CORE_HOST.a CORE_MODEL.a
set -euo pipefail

defined() {
  # Weak ones too: those are what a linker merges.
  nm --demangle --defined-only "$1" 2>/dev/null | awk 'NF >= 3 && $2 ~ /^[TtDdBbRrVvWwu]$/ {
    $1 = ""; $2 = ""; sub(/^ +/, ""); print }' | grep -i pagebox | sort -u
}

host=$(mktemp) model=$(mktemp)
trap 'rm -f "$host" "$model"' EXIT
defined "$1" > "$host"
defined "$2" > "$model"
[ -s "$host" ] && [ -s "$model" ] || { echo "no symbols of the project found"; exit 1; }
grep -q '^pagebox_model_entry$' "$model" || { echo "the model has no entry"; exit 1; }

if common=$(comm -12 "$host" "$model") && [ -n "$common" ]; then
  echo "defined in both environments:"
  echo "$common"
  exit 1
fi
echo "$(wc -l < "$host") symbols in host, $(wc -l < "$model") in model, none in both"
