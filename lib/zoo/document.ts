import type { ZooEntry, ZooOmission, ZooResult } from './zooTypes.ts'

const aboutOf = ({ id, title, year, fix, invariant, explanation, quirks, scheme, layout }: ZooEntry) => ({
  id,
  title,
  year,
  fix,
  invariant,
  explanation,
  quirks,
  scheme,
  layout,
})

/** What `zoo --list --json` prints. */
export const zooListDocument = (entries: readonly ZooEntry[], omissions: readonly ZooOmission[]): object => ({
  entries: entries.map((entry) => ({ ...aboutOf(entry), scenario: entry.scenario, budget: entry.budget })),
  omissions,
})

/** What `zoo --json` prints. */
export const zooDocument = (results: readonly ZooResult[]) => ({
  entries: results.map(({ entry, found, shortest, replayed, fixed, holds, seconds, stoppedBy }) => ({
    ...aboutOf(entry),
    found: found !== null,
    runs: found?.runs ?? null,
    outcome: found?.outcome ?? null,
    broken: found?.invariant ?? null,
    text: found?.text ?? null,
    seconds,
    shortestSteps: shortest === null ? null : shortest.steps.length + shortest.skipped,
    shortestOps: shortest?.ops ?? null,
    shortestSwitches: shortest?.switches ?? null,
    scenario: shortest?.scenario ?? null,
    token: shortest?.token ?? found?.token ?? null,
    replayed,
    absentWhenFixed: fixed?.absent ?? null,
    schedulesWhenFixed: fixed?.schedules ?? null,
    classesWhenFixed: fixed?.classes ?? null,
    complete: fixed?.complete ?? null,
    bound: fixed?.bound ?? null,
    othersWhenFixed: fixed?.others ?? [],
    guarantee: fixed?.guarantee ?? null,
    holds,
    stoppedBy,
  })),
})

/** One of its entries: all that its line of the table says. */
export type ZooRow = ReturnType<typeof zooDocument>['entries'][number]
