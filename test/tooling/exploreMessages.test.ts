import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
const messages = read('native/engine/scenario/explore_messages.cpp')

/** The data members of a struct: what stands before `;`, `,` or `=` in a declaration without parentheses. */
function membersOf(path: string, name: string): string[] {
  const [, body = ''] = new RegExp(`^struct ${name} \\{\\n([\\s\\S]*?)^\\};`, 'm').exec(read(path)) ?? []
  const plain = body
    .replace(/\/\/[^\n]*/g, '')
    .replace(/\{[^{}]*\}/g, '')
    .replace(/ = [^;,]*/g, '')
  return plain
    .split(';')
    .map((each) => each.replace(/\s+/g, ' ').trim())
    .filter((each) => each !== '' && !/[()]|^(static|friend)/.test(each))
    .flatMap((each) => each.replace(/^.*?[\w>] (?=[a-z_]+(,|$))/, '').split(','))
    .map((each) => each.trim())
    .filter((each) => /^[a-z_]+$/.test(each))
}

// A member that is left behind makes the model explore another scheme or layout than the one that was asked for.
test.each([
  ['native/pins/scheme.h', 'SchemeSpec', 20],
  ['native/pins/scheme.h', 'StateBit', 4],
  ['native/page/layout.h', 'Layout', 18],
  ['native/page/layout.h', 'Kconfig', 12],
  ['native/page/layout.h', 'Era', 6],
  ['native/page/layout.h', 'Field', 9],
  ['native/page/layout.h', 'NamedFlagBit', 2],
])('%s: %s crosses the door whole', (path, name, least) => {
  const members = membersOf(path, name)
  expect(members.length, members.join()).toBeGreaterThanOrEqual(least)
  expect(members.filter((member) => !new RegExp(`\\.${member}\\b`).test(messages))).toEqual([])
})
