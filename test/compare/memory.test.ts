import { layouts, schemes } from 'pagebox'
import { expect, test } from 'vitest'
import { memoryOf } from '../../lib/compare/memory.ts'
import type { Layout } from '../../lib/page/layout.ts'

const layout = (name: string): Layout => [...layouts].find((each) => each.name === name) as Layout

test.each(schemes.names.filter((name) => !['own-counter', 'side-table', 'sharded'].includes(name)))(
  '%s lives in what is there',
  (name) => expect(memoryOf(schemes.get(name), layout('linux-6.12'), 8)).toEqual({ bytesPerPage: 0, text: '' }),
)

test('a counter costs what the stride grows by, and nothing in a layout that has grown already', () => {
  for (const each of layouts) {
    const { bytesPerPage } = memoryOf(schemes.get('own-counter'), each, 1)
    expect(bytesPerPage, each.name).toBe(each.ownCounterStrideBytes - each.strideBytes)
  }
  expect(memoryOf(schemes.get('own-counter'), layout('linux-6.12'), 1).bytesPerPage).toBe(16)
})

test('an account outside has its width, of each CPU where it is sharded', () => {
  expect(memoryOf(schemes.get('side-table'), layout('linux-6.12'), 8).bytesPerPage).toBe(4)
  expect(memoryOf(schemes.get('sharded'), layout('linux-6.12'), 8).bytesPerPage).toBe(128)
  expect(memoryOf(schemes.get('sharded'), layout('linux-6.12'), 1).text).toBe('16 bytes a page and CPU, on 1 CPU')
})

test('an own scheme is counted by its place, whatever its name', () => {
  const own = schemes.define({ name: 'mine-beside', protocol: 'external', place: 'side-table', countBits: 32 })
  expect(memoryOf(own, layout('linux-4.20'), 4).bytesPerPage).toBe(4)
})

test('a count that spills has a table beside it', () => {
  const scheme = schemes.define({
    name: 'mine-that-spills',
    protocol: 'packed-word',
    countWord: 0,
    countShift: 'lowest-free',
    countBits: 3,
    atLimit: 'spill',
  })
  expect(memoryOf(scheme, layout('linux-6.12'), 4).bytesPerPage).toBe(4)
})
