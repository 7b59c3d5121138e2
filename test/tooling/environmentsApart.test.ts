import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const release = fileURLToPath(new URL('../../build/Release/', import.meta.url))
const archives = ['host', 'model'].map((environment) => `${release}core_${environment}.a`)
const hasNm = ['/usr/bin/nm', '/usr/local/bin/nm'].some((path) => existsSync(path))

/** What an archive defines for the linker, the standard library's inline functions left out. */
function definedBy(archive: string): Set<string> {
  const lines = execFileSync('nm', ['--defined-only', '--extern-only', '--format=posix', archive], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  }).split('\n')
  const names = lines
    .map((line) => line.split(' '))
    .filter((words) => words.length > 2)
    .map(([name]) => name as string)
  return new Set(names.filter((name) => name.includes('pagebox') || !/^(_Z|DW\.ref\.)/.test(name)))
}

// A symbol in both would be merged by the linker, and the model would run the
// host's body.
describe.skipIf(!hasNm || !archives.every((path) => existsSync(path)))('the two environments', () => {
  test('define no project symbol in common', () => {
    const [host, model] = archives.map(definedBy) as [Set<string>, Set<string>]
    expect(host.size).toBeGreaterThan(0)
    expect(model.size).toBeGreaterThan(0)
    expect([...host].filter((name) => model.has(name))).toEqual([])
  })
})
