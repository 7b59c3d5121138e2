// What the modules made of blocks call where the page shows a value.
import { format, inspect } from 'node:util'
import { matches } from './matches.ts'

const text = (value: unknown): string =>
  inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 6, sorted: false, compact: 10 })

/** Checks the value of an expression against what stands after its arrow. */
export function shows<Value>(where: string, shown: string, value: Value): Value {
  const found = typeof value === 'string' ? [value, text(value)] : [text(value)]
  if (!found.some((each) => matches(shown, each))) throw new Error(`${where} shows\n${shown}\nbut it is\n${found[0]}`)
  return value
}

/** As {@link shows}, for what `console.log` would print. */
export function prints(where: string, shown: string, ...values: unknown[]): void {
  shows(where, shown, format(...values))
}

/** Checks that an expression throws what stands after `throws`: a code, or the start of a message. */
export async function throws(where: string, shown: string, run: () => unknown): Promise<void> {
  try {
    await run()
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (shown === code || matches(shown, message)) return
    throw new Error(`${where} throws ${shown}\nbut it threw ${code}: ${message}`)
  }
  throw new Error(`${where} throws ${shown}\nbut nothing was thrown`)
}
