import type { Btf, BtfType, Composite } from './types.ts'
import { btfFault } from './fault.ts'

const deepest = 24
const mostLines = 20_000

/** Words around a name: `'unsigned long', ''` or `'int', '[4]'`. */
function declared(btf: Btf, id: number, depth = 0): { before: string; after: string; inner?: Composite } {
  if (depth > 64) throw btfFault('a type without an end', 'at most 64 pointers and arrays', { type: id })
  const type: BtfType = btf.type(id)
  switch (type.kind) {
    case 'void':
      return { before: 'void', after: '' }
    case 'int':
    case 'float':
      return { before: type.name, after: '' }
    case 'ptr': {
      const { before } = declared(btf, type.target, depth + 1)
      return { before: before.endsWith('*') ? `${before}*` : `${before} *`, after: '' }
    }
    case 'array': {
      const element = declared(btf, type.element, depth + 1)
      return { ...element, after: `[${type.length}]${element.after}` }
    }
    case 'struct':
    case 'union':
      return type.name === ''
        ? { before: type.kind, after: '', inner: type }
        : { before: `${type.kind} ${type.name}`, after: '' }
    case 'enum':
      return { before: type.name === '' ? 'enum' : `enum ${type.name}`, after: '' }
    case 'fwd':
      return { before: `${type.of} ${type.name}`, after: '' }
    case 'alias':
      return type.name === '' ? declared(btf, type.target, depth + 1) : { before: type.name, after: '' }
    case 'other':
      return { before: type.what === 'func_proto' ? 'void (function)' : type.what, after: '' }
  }
}

/** A struct or union in the manner of pahole: each member with its byte (and bits) and size. */
export function printType(btf: Btf, id: number): string {
  const lines: string[] = []
  const { type: outer } = btf.resolve(id)
  if (outer.kind !== 'struct' && outer.kind !== 'union')
    throw btfFault(`a ${outer.kind}`, 'a struct or union', { type: id })

  const add = (text: string, depth: number, remark = ''): void => {
    if (lines.length >= mostLines)
      throw btfFault('a struct too long to print', `at most ${mostLines} lines`, { type: id })
    const line = `${'    '.repeat(depth)}${text}`
    lines.push(remark === '' ? line : `${line.padEnd(55)} /* ${remark} */`)
  }
  const body = (of: Composite, base: number, depth: number): void => {
    if (depth > deepest) throw btfFault('a struct without an end', `at most ${deepest} in each other`, { type: id })
    let end = 0
    for (const member of of.members) {
      const { before, after, inner: unnamed } = declared(btf, member.type)
      // An unnamed member belongs to this struct even where its type has a name.
      const own = btf.resolve(member.type).type
      const inner = unnamed ?? (member.name === '' && (own.kind === 'struct' || own.kind === 'union') ? own : undefined)
      const bits = member.bitSize || btf.sizeOf(member.type) * 8
      if (of.kind === 'struct' && member.bitOffset > end) add(`/* ${member.bitOffset - end} bits hole */`, depth + 1)
      const at = base + member.bitOffset
      const where =
        member.bitSize === 0
          ? `${Math.floor(at / 8)} ${bits / 8}`
          : `${Math.floor(at / 8)}:${at % 8} ${member.bitSize} bits`
      const width = member.bitSize === 0 ? '' : `:${member.bitSize}`
      const name = member.name === '' ? '' : ` ${member.name}`
      if (inner !== undefined && inner.members.length > 0) {
        add(`${before} {`, depth + 1)
        body(inner, at, depth + 1)
        add(`}${name}${after};`, depth + 1, where)
      } else add(`${before}${name}${after}${width};`, depth + 1, where)
      end = Math.max(end, member.bitOffset + bits)
    }
  }
  add(`${outer.kind}${outer.name === '' ? '' : ` ${outer.name}`} {`, 0)
  body(outer, 0, 0)
  add('};', 0, `size ${outer.size}`)
  return lines.join('\n')
}
