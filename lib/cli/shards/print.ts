import { replay } from '../../index.ts'
import type { ExploredWhole, WholeKind } from '../../engine/explore/exploring.ts'
import { carriesScenario } from '../../engine/explore/token.ts'
import { withDefinitions } from '../../shards/definitions.ts'
import { exploreFacts, joinedExplored } from '../../shards/commands/explore.ts'
import { joinedCompare } from '../../shards/commands/compare.ts'
import { detailedLayouts, layoutText, machineText, printable, resultText } from '../text/compare.ts'
import { overviewText } from '../text/room.ts'
import { joinedRecordings } from '../../shards/commands/conform.ts'
import type { ConformLevel } from '../../engine/recording/types.ts'
import { conformText } from '../text/conform.ts'
import { outcomesText } from '../text/outcomes.ts'
import { joinedStress } from '../../shards/commands/stress.ts'
import { joinedZoo } from '../../shards/commands/zoo.ts'
import type { Joined } from '../../shards/merge.ts'
import type { Io } from '../io.ts'
import { exploreText } from '../text/explore.ts'
import { stressDocument } from '../stress/page.ts'
import { stressText } from '../text/stress.ts'
import { zooTable } from '../text/zoo.ts'

/** With every step, which the tokens repeat. */
async function wholeExploration({ request, parts }: Joined): Promise<ExploredWhole> {
  const { scenario, result, kinds } = joinedExplored(request.options, parts)
  const whole: WholeKind[] = []
  for (const { finding, shortest } of kinds) {
    const again = shortest === null ? null : await replay(shortest.token, { scenario: shortest.scenario })
    whole.push({
      finding,
      shortest:
        shortest === null ? null : ({ ...again, ...shortest, steps: again?.steps ?? [] } as WholeKind['shortest']),
    })
  }
  return { scenario, result, kinds: whole }
}

async function exploration(joined: Joined, io: Io): Promise<string> {
  const { options } = joined.request
  const facts = exploreFacts(options)
  const repeat = (token: string, isShortest: boolean): string =>
    ['pagebox replay', token, ...(carriesScenario(token) ? [] : [isShortest ? 'SHRUNK.json' : facts.scenario])].join(
      ' ',
    )
  const outcomes = options.outcomes !== undefined && options.outcomes !== false
  return withDefinitions(joined.request, async () =>
    exploreText(await wholeExploration(joined), { ...facts, outcomes, repeat }, io),
  )
}

/** Prints what was joined as its command would have. */
export async function printText(joined: Joined, io: Io): Promise<void> {
  const { request, parts } = joined
  switch (request.command) {
    case 'explore':
      return io.out(await exploration(joined, io))
    case 'conform': {
      const { stoppedBy: _, ...report } = joinedRecordings(request.options, parts)
      if (report.scenarios > 0 || report.outcomes === null)
        io.out(conformText(report, request.options.level as ConformLevel, io))
      if (report.outcomes !== null) io.out(outcomesText(report.outcomes, io))
      return
    }
    case 'stress': {
      const { outcome, repeat } = joinedStress(request.options, parts)
      return io.out(stressText(outcome, repeat, io))
    }
    case 'zoo':
      return io.out(zooTable(joinedZoo(request.options, parts), (request.options.entries as unknown[]).length, io))
    case 'compare': {
      const document = joinedCompare(parts)
      const shown = detailedLayouts({ layouts: document.settings.layouts.map((name) => ({ name })) }, false)
      const said = [machineText(printable(document), io), overviewText(printable(document), io)]
      for (const layout of shown) said.push(layoutText(printable(document), layout, io))
      return io.out(`${[...said, resultText(printable(document), io)].join('\n\n')}\n`)
    }
  }
}

/** The page that its command would have written; undefined: it writes none. */
export async function pageOf(joined: Joined): Promise<string | undefined> {
  const { request, parts } = joined
  const { timelinePage } = await import('../../report/timeline.ts')
  if (request.command === 'explore')
    return withDefinitions(request, async () => {
      const { scenario, kinds } = await wholeExploration(joined)
      const results = []
      for (const { finding, shortest } of kinds) results.push(shortest ?? (await replay(finding.token, { scenario })))
      return timelinePage(`explore ${exploreFacts(request.options).scenario}`, results)
    })
  if (request.command === 'compare') {
    const { reportPage } = await import('../../report/page.ts')
    return reportPage(joinedCompare(parts))
  }
  if (request.command === 'stress') {
    const { stressPage } = await import('../../report/stress.ts')
    const { name, plan, outcome } = joinedStress(request.options, parts)
    return stressPage(stressDocument(name, plan, outcome, 'pagebox merge'))
  }
  if (request.command === 'zoo') {
    const results = []
    for (const { token, scenario } of joinedZoo(request.options, parts))
      if (token !== null && scenario !== null) results.push(await replay(token, { scenario }))
    return timelinePage('historic bugs', results)
  }
  return undefined
}
