import { rulesText } from '../page/rules.ts'
import { quirks } from '../pins/quirks.ts'
import { pick } from './parse.ts'

/** Refuses names of `--rules` and `--quirks` that are in no table. */
export function checkNames({ rules, quirks: names = [] }: { rules?: string; quirks?: string[] }): void {
  if (rules !== undefined) rulesText(rules, '--rules')
  for (const name of names) pick(quirks(), name, 'quirk')
}
