#!/usr/bin/env bash
# test-on-node.sh VERSION… [--all] [-- VITEST ARGUMENTS]: runs the suite on other versions of Node, on the build that is
# there. The addon speaks Node-API, so it is not rebuilt, and what does not depend on Node is left out unless --all asks
# for it.
# VERSION: 22, 24.3, 26.10.0; `oldest`, which is the first that package.json's engines name; `newest`, the newest that is
# released. Node comes from npm's registry, once, into build-node/.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() {
  echo "test-on-node: $*" >&2
  exit 2
}

# Of this the same machine code, or the same JavaScript, comes to the same on each Node. What depends on it runs: the
# binding with its callbacks, errors, buffers and handles (api/, hostile/), workers and their end, processes and signals
# (cli/, fleet/), streams and files (btf/), reports, and what fits into it (vitest/). A new test is not among these, so it
# runs on each.
alike=(
  # What the core does in calls that api/, hostile/ and vitest/ make as well: memory, devices, schemes, layouts, scenarios,
  # explorations, and recordings of a kernel.
  'test/mm/**' 'test/zone_device/**' 'test/hmm/**' 'test/pins/**' 'test/page/**' 'test/engine/**' 'test/claims/**'
  'test/zoo/**' 'test/search/**'
  # Pure functions of text and numbers.
  'test/dump/**' 'test/btf/kernels.test.ts' 'test/compare/counters.test.ts' 'test/shards/merge.test.ts'
  # Seconds of damage to descriptors, which only the core reads. Damaged calls, handles and workers stay.
  'test/hostile/overwrittenDescriptors.test.ts' 'test/hostile/damagedWords.test.ts'
  'test/hostile/tablesWithoutLedger.test.ts'
  # The fuzzer's own machinery; the fuzzer itself runs.
  'test/fuzz/machinery.test.ts'
  # Measurements, searches and races by commands that other tests of cli/ run; what help and docs show.
  'test/cli/compare.test.ts' 'test/cli/baseline.test.ts' 'test/cli/stressFail.test.ts' 'test/cli/search.test.ts'
  'test/cli/ownIdea.test.ts' 'test/cli/namesFromFiles.test.ts' 'test/compare/compare.test.ts'
  'test/cli/helpExamples.test.ts' 'test/docs/commands.test.ts' 'test/docs/code.test.ts'
  # Leases that run out, by the clock of the queue; that processes end and begin again, crash.test.ts has.
  'test/fleet/killed.test.ts' 'test/fleet/realKilled.test.ts'
  # Sources, compilers and archives.
  'test/tooling/doors.test.ts' 'test/tooling/environmentsApart.test.ts' 'test/tooling/oneSourceList.test.ts'
)

# On a version of the major that is in use, where the whole suite has just run, besides: what a minor version does not
# change. Crashes, damage and endurance are the addon's and the system's.
alike_within_a_major=(
  'test/hostile/workers.test.ts' 'test/hostile/memory.test.ts' 'test/hostile/handles.test.ts' 'test/fleet/crash.test.ts'
  'test/fuzz/**' 'test/shards/**'
)

versions=()
while (($# > 0)) && [[ $1 != -- ]]; do
  if [[ $1 == --all ]]; then alike=() alike_within_a_major=(); else versions+=("$1"); fi
  shift
done
for pattern in "${alike[@]}" "${alike_within_a_major[@]}"; do
  compgen -G "${pattern%/\*\*}" >/dev/null || fail "$pattern matches no test"
done
if (($# > 0)); then shift; fi
((${#versions[@]} > 0)) || fail 'usage: test-on-node.sh VERSION… [--all] [-- VITEST ARGUMENTS]'
compgen -G 'build/Release/*.node' >/dev/null || fail 'there is no build: run npm run build'

package=node-$(node -p 'process.platform + "-" + process.arch')

# The exact version that a name stands for.
exactly() {
  case $1 in
    oldest) node -p 'require("./package.json").engines.node.match(/\d+\.\d+\.\d+/)[0]' ;;
    newest) npm view node dist-tags.latest ;;
    *.*.*) echo "$1" ;;
    *) npm view "node@$1" version --json | node -p '
        const all = [JSON.parse(require("fs").readFileSync(0, "utf8"))].flat()
        const newer = (a, b) => a.localeCompare(b, "en", { numeric: true })
        all.sort(newer).at(-1)' ;;
  esac
}

for version in "${versions[@]}"; do
  exact=$(exactly "$version") || fail "there is no Node $version"
  [[ $exact =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "there is no Node $version"
  folder=$PWD/build-node/$exact
  bin=$folder/node_modules/$package/bin
  if [[ ! -x $bin/node ]]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$folder" "$package@$exact"
  fi
  echo "Node $("$bin/node" --version) for '$version'"
  left_out=("${alike[@]}")
  if [[ ${exact%%.*} == "$(node -p 'process.versions.node.split(".")[0]')" ]]; then
    left_out+=("${alike_within_a_major[@]}")
  fi
  PATH=$bin:$PATH "$bin/node" node_modules/vitest/vitest.mjs run "${left_out[@]/#/--exclude=}" "$@"
done
