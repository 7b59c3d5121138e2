import type { Command } from 'commander'
import { toJson } from '../json.ts'
import { table, wrap } from '../text/table.ts'
import type { Context } from './context.ts'

interface Options {
  json?: boolean
}

async function showRules({ json }: Options, { io }: Context): Promise<void> {
  const { kernelRules, ruleSets } = await import('../../page/rules.ts')
  if (json) return io.out(`${toJson({ sets: ruleSets(), rules: kernelRules() })}\n`)
  const rows = kernelRules().map(({ name, since, before, after, beforeExists, afterExists }) => [
    wrap(name, 14),
    since,
    wrap(beforeExists ? before : `(not here) ${before}`, 26),
    wrap(afterExists ? after : `(not yet here) ${after}`, 26),
  ])
  io.out(
    `${table([{ head: 'rule', width: 14 }, { head: 'since' }, { head: 'before' }, { head: 'since then' }], rows)}\n`,
  )
  for (const { name, missing } of ruleSets()) io.out(`${name}: ${missing === '' ? 'can be had' : 'not yet'}\n`)
}

async function showQuirks({ json }: Options, { io }: Context): Promise<void> {
  const { quirks } = await import('../../pins/quirks.ts')
  if (json) return io.out(`${toJson({ quirks: quirks() })}\n`)
  const rows = quirks().map(({ name, year, wrong, fix }) => [
    wrap(name, 18),
    String(year),
    wrap(wrong, 30),
    wrap(fix, 14),
  ])
  io.out(
    `${table([{ head: 'quirk', width: 18 }, { head: 'year' }, { head: 'what was wrong' }, { head: 'fixed' }], rows)}\n`,
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
