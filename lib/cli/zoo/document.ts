import type { ZooEntry, ZooOmission, ZooResult } from '../../zoo/zooTypes.ts'

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
export const zooDocument = (results: readonly ZooResult[]): object => ({
  entries: results.map(({ entry, found, shortest, replayed, fixed, holds, seconds, stoppedBy }) => ({
    ...aboutOf(entry),
    found: found !== null,
    runs: found?.runs ?? null,
    outcome: found?.outcome ?? null,
    broken: found?.invariant ?? null,
    text: found?.text ?? null,
    seconds,
    shortestSteps: shortest?.steps.length ?? null,
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
