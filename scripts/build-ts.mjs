// Compiles lib/ twice: ES modules to dist/, CommonJS to dist/cjs/.
//
// tsc takes a file's format from the nearest package.json. For the second pass
// it is shown ours with "type": "commonjs", so that it checks imports as
// `require` will see them. Where a file cannot be the same in both (import.meta
// and __dirname exclude each other), NAME.cts stands in for NAME.ts there.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { dist, filesBelow, inputs, root, stamp } from './dist-inputs.mjs'

function asCommonJs(host) {
  const { readFile, getSourceFile } = host
  const packageJson = join(root, 'package.json')
  host.readFile = (path) => {
    const text = readFile.call(host, path)
    return resolve(path) === packageJson ? JSON.stringify({ ...JSON.parse(text), type: 'commonjs' }) : text
  }
  host.getSourceFile = (path, options, ...rest) => {
    const twin = path.replace(/\.ts$/, '.cts')
    if (path.startsWith(join(root, 'lib')) && !path.endsWith('.d.ts') && existsSync(twin)) {
      return ts.createSourceFile(path, readFileSync(twin, 'utf8'), options)
    }
    return getSourceFile.call(host, path, options, ...rest)
  }
  return host
}

/** Compiles one configuration; the files it wrote, and whether it is sound. */
function compile(config, adapt = (host) => host) {
  const parsed = ts.getParsedCommandLineOfConfigFile(
    join(root, config),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'))
      },
    },
  )
  const host = adapt(ts.createCompilerHost(parsed.options))
  const program = ts.createProgram({ rootNames: parsed.fileNames, options: parsed.options, host })
  const written = []
  const { diagnostics } = program.emit(undefined, (path, text) => {
    written.push(resolve(path))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  })
  const problems = [...parsed.errors, ...ts.getPreEmitDiagnostics(program), ...diagnostics]
  if (problems.length > 0) {
    const unique = ts.sortAndDeduplicateDiagnostics(problems)
    const format = process.stderr.isTTY ? ts.formatDiagnosticsWithColorAndContext : ts.formatDiagnostics
    console.error(`${config}:\n${format(unique, host)}`)
  }
  return { written, sound: problems.length === 0 }
}

/** Compiles lib/ and removes from dist/ what lib/ no longer has. */
export function buildTypeScript() {
  rmSync(stamp, { force: true })
  const before = inputs()
  const modules = compile('tsconfig.build.json')
  const commonJs = compile('tsconfig.cjs.json', asCommonJs)

  const marker = join(dist, 'cjs', 'package.json')
  writeFileSync(marker, '{ "type": "commonjs" }\n')
  const kept = new Set([...modules.written, ...commonJs.written, marker])
  for (const file of filesBelow(dist)) if (!kept.has(file)) rmSync(file)

  const command = join(dist, 'cli', 'main.js')
  if (existsSync(command)) chmodSync(command, statSync(command).mode | 0o111)

  const sound = modules.sound && commonJs.sound
  if (sound) {
    mkdirSync(dirname(stamp), { recursive: true })
    writeFileSync(stamp, before)
  }
  return sound
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(buildTypeScript() ? 0 : 1)
