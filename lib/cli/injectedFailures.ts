import { InvalidArgumentError } from 'commander'
import { quoted } from '../base/quoted.ts'
import { failureText } from '../engine/scenario/failureText.ts'
import { isRandom } from '../engine/scenario/isRandom.ts'
import type { InjectedFailure, Scenario } from '../engine/scenario/scenarioTypes.ts'
import { UsageError } from './failure.ts'

const form = 'Give SITE, SITE:NTH or SITE:NTH:TIMES, and @THREAD for one thread alone: page:2@parent.'

/** `--fail page`, `--fail copy:2`, `--fail table:1:3@parent`: one more that fails. */
export function injectedFailure(text: string, before: readonly InjectedFailure[] = []): readonly InjectedFailure[] {
  const at = text.indexOf('@')
  const thread = at < 0 ? undefined : text.slice(at + 1)
  const [site = '', ...counts] = (at < 0 ? text : text.slice(0, at)).split(':')
  const [nth, times] = counts.map((count) => (/^\d{1,15}$/.test(count) ? Number(count) : Number.NaN))
  const whole = [nth, times].every((count) => count === undefined || !Number.isNaN(count))
  if (site === '' || thread === '' || counts.length > 2 || !whole) throw new InvalidArgumentError(form)
  return [
    ...before,
    {
      site,
      ...(thread !== undefined && { thread }),
      ...(nth !== undefined && { nth }),
      ...(times !== undefined && { times }),
    },
  ]
}

/** As they were asked for, for a command that repeats it. */
export function failureArguments(failures: readonly InjectedFailure[] = []): string[] {
  return failures.map((failure) => `--fail ${quoted(failureText(failure))}`)
}

/** With these as operations of its threads: so they are a part of what its tokens are of. */
export async function withInjected(
  scenario: Scenario,
  failures: readonly InjectedFailure[] | undefined,
): Promise<Scenario> {
  if (failures === undefined) return scenario
  if (isRandom(scenario)) throw new UsageError('--fail is for written scenarios; a mix gives fail_nth a weight')
  const { withFailures } = await import('../engine/scenario/failures.ts')
  const { readScenario } = await import('../engine/scenario/readScenario.ts')
  return withFailures(readScenario(scenario), failures).source
}
