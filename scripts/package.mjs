// Packs what is published, into the folder that is named: the package without its `scripts` and devDependencies. They
// are for a clone, where `npm ci` builds by `prepare`; in an installed package npm warns of a script that it does not
// run. Prints the tarball's path.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const target = resolve(process.argv[2] ?? root)
const npm = (args, cwd) =>
  JSON.parse(execFileSync('npm', [...args, '--json', '--ignore-scripts'], { cwd, encoding: 'utf8' }))

const stage = mkdtempSync(join(tmpdir(), 'pagebox-package-'))
try {
  const [{ files }] = npm(['pack', '--dry-run'], root)
  for (const { path } of files) {
    mkdirSync(dirname(join(stage, path)), { recursive: true })
    cpSync(join(root, path), join(stage, path))
  }
  const { scripts: _, devDependencies: __, ...manifest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  const [{ filename }] = npm(['pack', '--pack-destination', target], stage)
  console.log(join(target, filename))
} finally {
  rmSync(stage, { recursive: true, force: true })
}
