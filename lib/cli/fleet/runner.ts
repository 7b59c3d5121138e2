import { fileURLToPath } from 'node:url'
import { childRunner } from '../../fleet/child.ts'
import type { Runner } from '../../fleet/work.ts'

const here = import.meta.url
/** The commands that are installed here: no queue names another module. */
const module = fileURLToPath(
  new URL(here.endsWith('.ts') ? '../../fleet/shardModule.ts' : '../../fleet/shardModule.js', here),
)

export const ownRunner =
  (recordings: readonly string[]) =>
  (limitSeconds: number): Runner =>
    childRunner({ module, limitSeconds, env: { PAGEBOX_FLEET_RECORDINGS: recordings.join('\n') } })
