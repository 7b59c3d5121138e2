import type { Command } from 'commander'
import { toJson } from '../json.ts'
import { table } from '../text/table.ts'
import type { Context } from './context.ts'

interface Options {
  json?: boolean
}

async function showRules({ json }: Options, { io }: Context): Promise<void> {
  const { kernelRules, ruleSets } = await import('../../page/rules.ts')
  if (json) return io.out(`${toJson({ sets: ruleSets(), rules: kernelRules() })}\n`)
  const rows = kernelRules().map(({ name, since, before, after, beforeExists, afterExists }) => [
    name,
    since,
    beforeExists ? before : `(not here) ${before}`,
    afterExists ? after : `(not yet here) ${after}`,
  ])
  io.out(
    `${table([{ head: 'rule' }, { head: 'since' }, { head: 'before' }, { head: 'since then' }], rows, { columns: Math.min(io.columns, 100) })}\n`,
  )
  for (const { name, missing } of ruleSets()) io.out(`${name}: ${missing === '' ? 'can be had' : 'not yet'}\n`)
}

async function showQuirks({ json }: Options, { io }: Context): Promise<void> {
  const { quirks } = await import('../../pins/quirks.ts')
  if (json) return io.out(`${toJson({ quirks: quirks() })}\n`)
  const rows = quirks().map(({ name, year, wrong, fix }) => [name, String(year), wrong, fix])
  io.out(
    `${table([{ head: 'quirk' }, { head: 'year' }, { head: 'what was wrong' }, { head: 'fixed' }], rows, { columns: Math.min(io.columns, 100) })}\n`,
  )
}

export function addRules(program: Command, context: Context): void {
  program
    .command('rules')
    .description('what differs between kernel versions, and which of them a machine can behave as')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', '\nExamples:\n  $ pagebox rules')
    .action((options: Options) => showRules(options, context))
}

export function addQuirks(program: Command, context: Context): void {
  program
    .command('quirks')
    .description('historic bugs that can be switched on')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', '\nExamples:\n  $ pagebox quirks')
    .action((options: Options) => showQuirks(options, context))
}
