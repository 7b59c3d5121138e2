#!/usr/bin/env bash
# test-on-node.sh VERSION… [-- VITEST ARGUMENTS]: runs the suite on other versions of Node, on the build that is there.
# The addon speaks Node-API, so it is not rebuilt. VERSION: 22, 24.3, 26.10.0; `oldest`, which is the first that
# package.json's engines name; `newest`, the newest that is released. Node comes from npm's registry, once, into
# build-node/.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() {
  echo "test-on-node: $*" >&2
  exit 2
}

versions=()
while (($# > 0)) && [[ $1 != -- ]]; do
  versions+=("$1")
  shift
done
if (($# > 0)); then shift; fi
((${#versions[@]} > 0)) || fail 'usage: test-on-node.sh VERSION… [-- VITEST ARGUMENTS]'
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
  PATH=$bin:$PATH "$bin/node" node_modules/vitest/vitest.mjs run "$@"
done
