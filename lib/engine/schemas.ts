import type { JsonSchema } from '../base/shape.ts'
import { scenarioSchema } from './scenario/scenarioSchema.ts'
import { layoutShape } from '../page/defineLayout.ts'
import { schemeShape } from '../pins/defineScheme.ts'

const draft = 'https://json-schema.org/draft/2020-12/schema'

const described = (title: string, schema: JsonSchema): JsonSchema => ({ $schema: draft, title, ...schema })

/** Schemas of the files that pagebox reads, for editors: each is made of what its reader checks. */
export function schemas(): Readonly<Record<'scheme' | 'layout' | 'definitions' | 'scenario', JsonSchema>> {
  const scheme = schemeShape.schema()
  const layout = layoutShape.schema()
  const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items })
  return {
    scheme: described('a scheme', scheme),
    layout: described('a layout', layout),
    definitions: described('schemes and layouts: a file of --scheme-file, or pagebox.config.json', {
      anyOf: [
        scheme,
        list(scheme),
        {
          type: 'object',
          properties: { schemes: list(scheme), layouts: list(layout) },
          additionalProperties: false,
          minProperties: 1,
        },
      ],
    }),
    scenario: described('a scenario', scenarioSchema()),
  }
}
