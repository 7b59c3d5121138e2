import type { RandomScenario, Scenario } from '../engine/scenario/scenarioTypes.ts'
import type { Io } from './io.ts'
import { isFileName, readDefinitions } from './own/readFile.ts'
import { foreignLines } from './text/foreign.ts'

const holds = 'it holds a scenario: { name, setup, threads } or { name, mixes }'

/** One of those that pagebox has, or one from a file, unchecked; undefined: no such name. */
export async function scenarioNamed(
  name: string,
  among: readonly RandomScenario[],
  io: Io,
): Promise<Scenario | undefined> {
  if (!isFileName(name)) return among.find((each) => each.name === name)
  const print = (text: string): void => io.err(foreignLines(text))
  return (await readDefinitions(name, { signal: io.signal, print, holds })) as Scenario
}

export const scenarioArgument = 'a name (see pagebox scenarios) or a file: .json, .ts, .mjs or .js'
