/** The kinds of BTF types by number, with the bytes that follow the 12 of each type. */
interface KindShape {
  readonly name: KindName
  /** Once, whatever `vlen` says. */
  readonly extra: number
  /** For each of `vlen` members. */
  readonly each: number
}

export type KindName =
  | 'int'
  | 'ptr'
  | 'array'
  | 'struct'
  | 'union'
  | 'enum'
  | 'fwd'
  | 'typedef'
  | 'volatile'
  | 'const'
  | 'restrict'
  | 'func'
  | 'func_proto'
  | 'var'
  | 'datasec'
  | 'float'
  | 'decl_tag'
  | 'type_tag'
  | 'enum64'

const shape = (name: KindName, extra = 0, each = 0): KindShape => ({ name, extra, each })

/** `kinds[n]` is kind n; 0 is no kind. */
export const kinds: readonly (KindShape | undefined)[] = [
  undefined,
  shape('int', 4),
  shape('ptr'),
  shape('array', 12),
  shape('struct', 0, 12),
  shape('union', 0, 12),
  shape('enum', 0, 8),
  shape('fwd'),
  shape('typedef'),
  shape('volatile'),
  shape('const'),
  shape('restrict'),
  shape('func'),
  shape('func_proto', 0, 8),
  shape('var', 4),
  shape('datasec', 0, 12),
  shape('float'),
  shape('decl_tag', 4),
  shape('type_tag'),
  shape('enum64', 0, 12),
]

export const kindNumber = (name: KindName): number => kinds.findIndex((kind) => kind?.name === name)

export const headerBytes = 24
export const typeBytes = 12
export const magic = 0xeb9f
