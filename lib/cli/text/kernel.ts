import type { Doubt, KernelDescriptor } from '../../btf/description.ts'
import type { Io } from '../io.ts'
import { wrap } from './table.ts'

const how: Record<Doubt['kind'], string> = { defaulted: 'assumed', asked: 'told', contradiction: 'contradicts' }

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`

/** What BTF says beside the words, and everything it does not say. */
export function kernelText(kernel: KernelDescriptor, io: Io): string {
  const list = (entries: readonly (readonly [string, string | number])[]): string =>
    entries.map(([name, value]) => `${value} ${name}`).join(', ')
  const lines = [
    `zones: ${list(kernel.zones.map(({ name, number }) => [name, number]))}`,
    `page types: ${Object.entries(kernel.pageTypeValues)
      .map(([name, value]) => `${name}=${hex(value)}`)
      .join(', ')}`,
    ...(Object.keys(kernel.memoryTypes).length === 0
      ? []
      : [`free device pages count: ${list(Object.entries(kernel.deviceBase).map(([name, count]) => [name, count]))}`]),
    ...(kernel.flagAliases.length === 0
      ? []
      : [`further names of flags: ${list(kernel.flagAliases.map(({ name, bit }) => [name, bit]))}`]),
    `word 1 of a tail: ${kernel.compoundHead === 'mask' ? 'a mask that leads to the head' : "the head's address"}`,
  ]
  const absent = kernel.types.filter(({ exists }) => !exists)
  if (absent.length > 0) lines.push(`not in this kernel: ${absent.map(({ type }) => type).join(', ')}`)
  const doubts = kernel.doubts.map((doubt) => {
    const mark = doubt.kind === 'contradiction' ? io.colours.red(how[doubt.kind]) : how[doubt.kind]
    const text = wrap(doubt.text, Math.max(40, io.columns - 14)).split('\n')
    return `  ${mark}${' '.repeat(12 - how[doubt.kind].length)}${text.join(`\n${' '.repeat(14)}`)}`
  })
  return `${[
    ...lines.map((line) => wrap(line, io.columns)),
    '',
    io.colours.bold('What the file does not say'),
    ...(doubts.length === 0 ? ['  nothing: every fact is in it'] : doubts),
  ].join('\n')}\n`
}
