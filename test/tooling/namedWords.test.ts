import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const native = fileURLToPath(new URL('../../native', import.meta.url))
const rooms = ['mm', 'zone_device', 'engine', 'explore', 'pins', 'addon']

const files = rooms.flatMap((room) =>
  readdirSync(join(native, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(cpp|h)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name)),
)
const withoutComments = (text: string) => text.replace(/\/\/.*$/gm, '')

/** Lines above page/ that match, as `file:line: text`. */
function linesThatMatch(pattern: RegExp): string[] {
  return files.flatMap((path) =>
    withoutComments(readFileSync(path, 'utf8'))
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${path.slice(native.length + 1)}:${i + 1}: ${line.trim()}`] : [])),
  )
}

describe('above page/', () => {
  test('there are files to look at', () => expect(files.length).toBeGreaterThan(150))

  // `word(i)` of a loop over all words, and the number that a scheme declares, are no constants.
  test('no word of a descriptor has a number', () => {
    const numbers = linesThatMatch(/\b(set_)?word\(\s*\d|\bword\([^()]*word_bytes|\bu(32|64)\(\s*\d/)
    // A call of JavaScript has arguments by number.
    expect(numbers.filter((line) => !/\bcall\.word\(/.test(line))).toEqual([])
  })

  // The class keeps its pointer to itself; tables know where their entries lie, and read them.
  test('an entry of a page table changes by the transitions of PteSlot alone', () => {
    const raw = linesThatMatch(/\bentries\([^)]*\)\s*(\+|\[)|\bentries\(\w+\)[,;)]/).filter(
      (line) => !/^mm\/(page_table|table_store)\.(cpp|h):/.test(line),
    )
    expect(raw.filter((line) => /tables?\(?\)?\.entries|store\(\)\.entries/.test(line))).toEqual([])
    const table =
      readFileSync(join(native, 'mm/page_table.cpp'), 'utf8') + readFileSync(join(native, 'mm/page_table.h'), 'utf8')
    const stores = withoutComments(table).match(
      /atomics::(store|exchange|compare_exchange|fetch_\w+)\([^;]*entries[^;]*;/g,
    )
    expect(stores).toBeNull()
    const slot = withoutComments(readFileSync(join(native, 'mm/pte_slot.h'), 'utf8'))
    expect(slot.slice(slot.indexOf(' private:'))).toMatch(/std::uint64_t\* at_/)
    expect(slot.slice(0, slot.indexOf(' private:'))).not.toMatch(/std::uint64_t\*\s+\w+\s*(=|;|\(\) const)/)
  })
})
