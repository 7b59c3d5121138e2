import { checkInternal, type MachineSource, wrongKind } from './source.ts'

/** Where an object of a box belongs, and what native code knows of it. */
export interface Parts<Owner, Facts> {
  readonly source: MachineSource<Owner>
  readonly facts: Facts
}

type Kind = abstract new (...parts: never) => object

let partsOf: (value: unknown) => Parts<unknown, unknown> | undefined

/** What files and devices have in common: only a box makes them, and only their own methods see their parts. */
export abstract class BoxObject<Owner, Facts> {
  readonly #parts: Parts<Owner, Facts>

  /** @internal */
  constructor(parts: Parts<Owner, Facts>, maker: string, allowed: symbol) {
    checkInternal(allowed, new.target.name, maker)
    this.#parts = parts
  }

  static {
    partsOf = (value) => (typeof value === 'object' && value !== null && #parts in value ? value.#parts : undefined)
  }
}

/** The parts of an object of this class; undefined for anything else. */
export function partsIf<Owner, Facts>(value: unknown, kind: Kind): Parts<Owner, Facts> | undefined {
  // Only what has parts is asked for its prototype, which nobody can have changed: it is frozen.
  const parts = partsOf(value)
  return parts !== undefined && value instanceof kind ? (parts as Parts<Owner, Facts>) : undefined
}

/** The parts of `this`; `allowed` says what it had to be. */
export function partsOfThis<Owner, Facts>(value: unknown, kind: Kind, allowed: string): Parts<Owner, Facts> {
  const parts = partsIf<Owner, Facts>(value, kind)
  if (parts === undefined) throw wrongKind('this', value, allowed)
  return parts
}
