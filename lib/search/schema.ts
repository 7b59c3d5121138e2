import { z } from 'zod'
import type { JsonSchema } from '../base/shape.ts'
import { interval } from '../compare/interval.ts'
import { tables } from '../native/tables.ts'
import { layoutShape } from '../page/defineLayout.ts'
import type { LayoutDefinition, PageType } from '../page/layout.ts'
import { schemeShape } from '../pins/defineScheme.ts'
import type { SchemeDefinition } from '../pins/scheme.ts'
import type { SearchPlace, SearchResult } from './types.ts'

/** Made when it is asked for: names come from tables that are loaded late. */
function shapeOf() {
  const whole = z.number().int().min(0)
  const pageTypes = z.array(z.enum(tables().pageTypes as [PageType, ...PageType[]]))
  // As the files of --scheme-file have them: their schema is put in below.
  const definition = z.custom<SchemeDefinition>()
  const layout = z.custom<LayoutDefinition>()
  const span = { tail: whole, offsetBytes: whole, shift: whole, bits: whole.min(1) }
  const place = z.strictObject(span) satisfies z.ZodType<SearchPlace>
  const cost = z.strictObject(interval.shape).nullable()
  const where = z.enum(['inside', 'growth', 'outside'])
  const way = {
    definition,
    layout: layout.nullable(),
    place: z.string(),
    where,
    exact: z.boolean(),
    maxPins: whole,
    locks: z.string(),
    bytesPerPage: z.number().min(0),
  }
  const result: z.ZodType<SearchResult> = z.strictObject({
    layout: z.string(),
    asked: z.strictObject({
      types: pageTypes,
      orders: z.array(whole),
      minPins: whole,
      exact: z.boolean(),
      fuzzyFrom: whole.nullable(),
      noGrowth: z.boolean(),
      noLock: z.boolean(),
      maxFlagBits: whole.nullable(),
      notes: z.array(z.string()),
    }),
    candidates: z.array(
      z.strictObject({
        ...way,
        places: z.array(place),
        bits: whole,
        fuzzyFrom: whole.nullable(),
        flagBits: whole,
        refusedOn: pageTypes,
        cost: z.strictObject({ hot: cost, cold: cost, measuredAs: z.string() }).nullable(),
        front: z.boolean(),
        proof: z.strictObject({ probed: whole, raceOps: whole, schedules: whole }),
      }),
    ),
    excluded: z.array(z.strictObject({ place: z.string(), because: z.string(), at: place.nullable() })),
    map: z.array(
      z.strictObject({
        ...span,
        users: z.array(z.strictObject({ field: z.string(), types: pageTypes, meaning: z.string() })),
        candidates: z.array(z.string()),
      }),
    ),
    without: z.array(z.strictObject({ demand: z.string(), remains: z.array(z.strictObject(way)) })),
    findings: z.array(z.string()),
    complete: z.boolean(),
    stoppedBy: z.enum(['done', 'abort']),
    seconds: z.number().min(0),
  })
  return { result, definition, layout }
}

/** Schema of what `pagebox search --json` prints and `search()` resolves to, for those who read it elsewhere. */
export function searchSchema(): JsonSchema {
  const { result, definition, layout } = shapeOf()
  const metadata = z.registry<{ id: string }>()
  metadata.add(definition, { id: 'scheme' })
  metadata.add(layout, { id: 'layout' })
  return {
    ...z.toJSONSchema(result, {
      metadata,
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => {
        if ((zodSchema as unknown) === definition) Object.assign(jsonSchema, schemeShape.schema())
        if ((zodSchema as unknown) === layout) Object.assign(jsonSchema, layoutShape.schema())
      },
    }),
    title: 'what pagebox search --json prints',
  }
}
