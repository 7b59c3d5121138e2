import type { NativeScenarioTables } from '../../native/engineBinding.ts'
import { native } from '../../native/load.ts'

/** One field of an operation. */
export interface FieldSpec {
  readonly name: string
  readonly optional: boolean
}

/** One operation of the vocabulary. */
export interface OpSpec {
  readonly name: string
  /** Its place in the table: what the engines know it by. */
  readonly code: number
  /** Beside `op` and `proc`. */
  readonly fields: readonly FieldSpec[]
  /** Keys of the result, as text: optional ones in brackets. */
  readonly result: string
  /** Fields that say what is expected of the result, `must`, `expect`, and where it stops, `stop_at`. */
  readonly checks: readonly string[]
  /** True for what a device does. */
  readonly device: boolean
}

/** The vocabulary, read from the addon once: TypeScript repeats none of it. */
export interface Vocabulary {
  readonly ops: ReadonlyMap<string, OpSpec>
  readonly tables: NativeScenarioTables
}

let read: Vocabulary | undefined

export function vocabulary(): Vocabulary {
  if (read === undefined) {
    const tables = native().scenarioTables()
    const ops = new Map(
      tables.ops.map((op, code) => [op.name, { ...op, code, fields: fieldsOf(op.fields), checks: checksOf(op) }]),
    )
    read = { ops, tables }
  }
  return read
}

/** Whatever has a result may be expected to succeed, words to be these; what works on memory may stop in the middle. */
function checksOf({ result, stops }: { result: string; stops: boolean }): string[] {
  const keys = fieldsOf(result).map(({ name }) => name)
  return [
    ...(keys.some((key) => key === 'ret' || key === 'v') ? ['must'] : []),
    ...(keys.includes('v') ? ['expect'] : []),
    ...(stops ? ['stop_at'] : []),
  ]
}

/** `"buf [page] [n] value"` in parts. */
function fieldsOf(text: string): FieldSpec[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => ({ name: word.replace(/[[\]]/g, ''), optional: word.startsWith('[') }))
}
