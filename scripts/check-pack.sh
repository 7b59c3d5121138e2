#!/usr/bin/env bash
# Packs the package and uses it as a consumer would: an empty folder, no
# compiler, no Python. Run `npm run prebuildify` first.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
fail() {
  echo "check-pack: $*" >&2
  exit 1
}

compgen -G 'prebuilds/*/*.node' >/dev/null || fail 'no prebuilds/: run npm run prebuildify'
for file in index.js index.d.ts cjs/index.js cjs/index.d.ts vitest/index.js cli/main.js; do
  [[ -e dist/$file ]] || fail "dist/$file is missing: run npm run build"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Only what a machine without build tools has.
mkdir "$work/bin"
for tool in node npm npx sh; do ln -s "$(command -v "$tool")" "$work/bin/$tool"; done
consumer_path=$work/bin

tarball=$(node scripts/package.mjs "$work")
tar -tzf "$tarball" | sort >"$work/list"
if grep -E '(\.gyp|CMakeLists\.txt|\.cpp|\.h|sources\.txt)$' "$work/list"; then
  fail 'the package holds sources that would start a build'
fi
grep -q '^package/prebuilds/.*\.node$' "$work/list" || fail 'the package holds no prebuild'
for file in docs/README.md docs/compare.md examples/vitest/pins.test.ts; do
  grep -qx "package/$file" "$work/list" || fail "the package lacks $file"
done
if tar -xzOf "$tarball" package/package.json | grep -q '"scripts"'; then
  fail 'the manifest brings scripts, of which npm warns whoever installs it'
fi

# The newest symbol versions that the binary asks of the system.
for binary in prebuilds/*/*.node; do
  if command -v objdump >/dev/null; then
    echo "$binary: $(objdump -T "$binary" | grep -oE '(GLIBC|GLIBCXX|CXXABI)_[0-9.]+' | sort -uV |
      awk -F_ '{ newest[$1] = $0 } END { for (name in newest) printf "%s ", newest[name] }')"
  fi
done

mkdir "$work/app"
cd "$work/app"
echo '{ "name": "app", "private": true }' >package.json
# npm's own settings of the outer run do not belong to the consumer.
clean=(env -i "HOME=$HOME" "PATH=$consumer_path")
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY NODE_EXTRA_CA_CERTS; do
  if [[ -n ${!name:-} ]]; then clean+=("$name=${!name}"); fi
done
"${clean[@]}" npm install --silent --no-audit --no-fund --prefer-offline "$tarball" </dev/null

[[ ! -d node_modules/pagebox/build ]] || fail 'the install built something'
"${clean[@]}" node -e '
  const pagebox = require("pagebox")
  if (Object.keys(pagebox).length === 0) throw new Error("require gave nothing")
  if (!require("pagebox/package.json").version) throw new Error("no version")
' || fail 'require failed'
"${clean[@]}" node --input-type=module -e '
  import * as pagebox from "pagebox"
  import { createRequire } from "node:module"
  const names = Object.keys(pagebox).filter((name) => name !== "default").sort().join()
  const required = Object.keys(createRequire(process.cwd() + "/x.js")("pagebox")).sort().join()
  if (names !== required) throw new Error(`import has ${names}\nrequire has ${required}`)
' || fail 'import failed'

# Types, in both formats, as a strict consumer sees them.
echo 'import * as pagebox from "pagebox"; export const names: string[] = Object.keys(pagebox)' >as-module.mts
echo 'import pagebox = require("pagebox"); export const names: string[] = Object.keys(pagebox)' >as-commonjs.cts
"$root/node_modules/.bin/tsc" --noEmit --strict --module nodenext --target es2022 --lib es2023,esnext.disposable \
  --types node --typeRoots "$root/node_modules/@types" as-module.mts as-commonjs.cts || fail 'the types do not hold'

"${clean[@]}" npx --no-install pagebox schemes </dev/null >schemes.txt || fail 'npx pagebox schemes failed'
grep -q refcount-bias schemes.txt || fail 'npx pagebox schemes does not name refcount-bias'
"${clean[@]}" npx --no-install pagebox schemes --json </dev/null | node -e '
  JSON.parse(require("fs").readFileSync(0, "utf8"))
' || fail 'npx pagebox schemes --json is not one JSON document'

# A fleet needs packages that nobody has who did not ask for them: it says so, and everything else works without.
[[ ! -d node_modules/bullmq && ! -d node_modules/ioredis ]] || fail 'the install brought a package that is optional'
if "${clean[@]}" npx --no-install pagebox fleet status --queue /nowhere.sock </dev/null 2>fleet.txt; then
  fail 'pagebox fleet works without its packages'
fi
grep -q 'npm install bullmq@6 ioredis@6' fleet.txt || fail "pagebox fleet without its packages says: $(cat fleet.txt)"
"${clean[@]}" npx --no-install pagebox fleet --help </dev/null >/dev/null || fail 'pagebox fleet --help failed'

# The suite that the docs tell a stranger to copy.
cp "$root"/examples/vitest/*.test.ts .
vitest_version=$(node -p 'require(process.argv[1]).devDependencies.vitest' "$root/package.json")
"${clean[@]}" npm install --silent --no-audit --no-fund --prefer-offline "vitest@$vitest_version" </dev/null
"${clean[@]}" npx --no-install vitest run </dev/null || fail 'the example suite fails against the package'

echo "check-pack: ok ($(wc -c <"$tarball") bytes packed, $(wc -l <"$work/list") files)"
