import { native } from '../../native/load.ts'
import { created } from '../../native/status.ts'
import { layoutOf, layoutRef } from '../../page/layouts.ts'
import { type BehaviourOptions, behaviourOf } from '../../pins/behaviour.ts'
import { schemeOf, schemeRef } from '../../pins/schemes.ts'
import { type AuditRow, frozenRows } from '../auditRow.ts'
import type { OpEffects } from '../recording/explain.ts'
import type { RecordedOp, RecordedResult } from '../recording/types.ts'
import { encodeOps } from './encode.ts'

/** What a scenario runs on. */
export interface ScenarioSettings extends BehaviourOptions {
  /** `'refcount-bias'` by default. */
  scheme?: string
  /** `'linux-6.12'` by default; mm needs words of 8 bytes. */
  layout?: string
  /** Transparent huge pages where `madvise(hugepage)` asks for them; false. */
  hugePages?: boolean
}

/** Results of a scenario that was executed in order. */
export interface ScenarioRun {
  /** Of each operation; null where {@link ScenarioRun.unsupported} has its index. */
  readonly results: readonly (RecordedResult | null)[]
  readonly unsupported: readonly number[]
  /** Of each operation: what the visible effects that the scheme declares had to do with it. */
  readonly effects: readonly (OpEffects | null)[]
  /** What the audit found after the last operation, and when all processes had exited. */
  readonly audit: readonly AuditRow[]
}

/**
 * Executes operations one after another on a fresh machine, as the recordings were made.
 *
 * @param recorded what a kernel did, where {@link ScenarioRun.effects} will be compared with it.
 * @throws PageboxError `ERR_PAGEBOX_SCENARIO` for an operation that cannot be read;
 * `ERR_PAGEBOX_NO_ROOM` if the scheme does not exist in the layout, or if that lacks what a machine needs.
 */
export function runOps(
  ops: readonly RecordedOp[],
  settings: ScenarioSettings = {},
  recorded: readonly RecordedResult[] = [],
): ScenarioRun {
  const { rows, indices, unknown } = encodeOps(ops)
  const layout = layoutOf(settings.layout ?? 'linux-6.12', 'settings.layout')
  const scheme = schemeOf(settings.scheme ?? 'refcount-bias', 'settings.scheme')
  const made = native().runScenario(
    {
      layout: layoutRef(layout),
      scheme: schemeRef(scheme),
      behaviour: behaviourOf(
        {
          rules: settings.rules,
          quirks: settings.quirks,
          writebackAsksPins: settings.writebackAsksPins,
          fileBackedDevicePages: settings.fileBackedDevicePages,
        },
        'settings',
        scheme,
        layout,
      ),
      hugePages: settings.hugePages ?? false,
    },
    rows,
    Float64Array.from(indices, (index) => progressOf(recorded[index])),
  )
  const found = created(made, 'settings')
  const results: (RecordedResult | null)[] = new Array(ops.length).fill(null)
  const effects: (OpEffects | null)[] = new Array(ops.length).fill(null)
  const unsupported = [...unknown]
  for (const [i, index] of indices.entries()) {
    results[index] = found.results[i] ?? null
    effects[index] = found.effects[i] ?? null
    if (results[index] === null) unsupported.push(index)
  }
  return { results, unsupported: unsupported.sort((a, b) => a - b), effects, audit: frozenRows(found.audit) }
}

/** How far a recorded operation came: -1 if it failed, else pages or bytes; NaN: it does not say. */
function progressOf(result: RecordedResult | undefined): number {
  if (result === undefined || typeof result.ret !== 'string') return Number.NaN
  if (result.ret !== 'ok') return -1
  return Number(result.pages ?? result.bytes ?? result.cpages ?? 0)
}
