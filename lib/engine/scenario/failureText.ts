import type { InjectedFailure } from './scenarioTypes.ts'

/** As `--fail` of the command line takes it. */
export function failureText({ site, thread, nth, times }: InjectedFailure): string {
  const counts = times === undefined ? [nth] : [nth ?? 1, times]
  const text = [site, ...counts.filter((count) => count !== undefined)].join(':')
  return thread === undefined ? text : `${text}@${thread}`
}
