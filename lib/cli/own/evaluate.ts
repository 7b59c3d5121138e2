// Runs in a process of its own (readModule.ts): whatever the file does there ends with it.
import { createJiti } from 'jiti'

/** As JSON: what crosses to the parent is plain data, and no more than this. */
const mostBytes = 2 ** 22

/** Said before, when the file's own time begins: `{ begins: true }`. */
export type Evaluated = { json: string } | { failed: string }

const longestReason = 400

/** One line; whatever was thrown. */
function reasonOf(error: unknown): string {
  let text: string
  try {
    text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  } catch {
    text = 'something that cannot be shown'
  }
  return text.replace(/\s+/g, ' ').slice(0, longestReason)
}

/** Bigints as numbers, where they are; a function is somebody's mistake, and not left out. */
function plain(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value)
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint')
    throw new TypeError(`${key === '' ? 'the default export' : `'${key}'`} is a ${typeof value}, and no plain data`)
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(`${key === '' ? 'the default export' : `'${key}'`} is ${value}, and no plain data`)
  return value
}

async function evaluate(file: string): Promise<Evaluated> {
  // The same pagebox for a file that lies where none is installed.
  const pagebox = await import('../../index.ts')
  const jiti = createJiti(import.meta.url, { fsCache: false, virtualModules: { pagebox } })
  process.send?.({ begins: true })
  const found = (await jiti.import(file)) as { default?: unknown }
  const exported = await (found.default as unknown)
  if (exported === undefined) return { failed: 'it has no default export' }
  const json = JSON.stringify(exported, plain) as string | undefined
  if (json === undefined) return { failed: 'its default export is no plain data' }
  if (json.length > mostBytes) return { failed: `its default export is longer than ${mostBytes} bytes` }
  return { json }
}

/** What Node itself ends with where an await never comes back. */
const neverSettled = 13

// No `await` out here: of one that never comes back, newer Nodes print a warning that names this file.
process.once('beforeExit', () => process.exit(neverSettled))
void evaluate(process.argv[2] as string)
  .catch((error: unknown): Evaluated => ({ failed: `it throws ${reasonOf(error)}` }))
  .then((answer) => process.send?.(answer, () => process.exit(0)))
