import { layoutHash } from '../engine/explore/subject.ts'
import type { LayoutDefinition } from '../page/layout.ts'
import { forgetLayout, layouts } from '../page/layouts.ts'
import type { SchemeDefinition } from '../pins/scheme.ts'
import { forgetScheme, schemes } from '../pins/schemes.ts'
import { shardFault } from './fault.ts'
import { packedObject } from './plain.ts'
import type { JsonObject, ShardRequest } from './types.ts'

/** What a layout was declared with, as far as a declaration has words for it. */
const layoutKeys = [
  'name',
  'summary',
  'wordBytes',
  'strideBytes',
  'kconfig',
  'era',
  'types',
  'compoundTypes',
  'flags',
  'anonExclusiveFlag',
  'compoundHead',
  'byteOrder',
  'fields',
  'pincount',
  'mapcountOffsetBytes',
  'refcountOffsetBytes',
  'counterOffsetBytes',
  'orderOffsetBytes',
]

/** Of own ones; the built-in ones are everywhere. */
export function definitionsOf(names: {
  schemes: readonly string[]
  layouts: readonly string[]
}): ShardRequest['definitions'] {
  const layoutDefinition = (name: string): JsonObject =>
    packedObject(
      Object.fromEntries(
        Object.entries(layouts.get(name)).filter(([key, each]) => layoutKeys.includes(key) && each !== null),
      ),
    )
  return {
    schemes: [...new Set(names.schemes)]
      .filter((name) => !schemes.get(name).builtin)
      .map((name) => packedObject({ ...schemes.get(name).definition })),
    layouts: [...new Set(names.layouts)].filter((name) => !layouts.get(name).builtin).map(layoutDefinition),
  }
}

const nameIn = (definition: JsonObject): string => (typeof definition.name === 'string' ? definition.name : '')

/** Declares what a request brings with it. Returns the way to take it back. */
function define({ definitions }: ShardRequest): () => void {
  const undo: (() => void)[] = []
  const undoAll = (): void => {
    for (const back of undo.splice(0).reverse()) back()
  }
  try {
    for (const definition of definitions.layouts) {
      const name = nameIn(definition)
      if (layouts.has(name)) {
        const here = layoutHash(layouts.get(name))
        const brought = layouts.define({ ...definition, name: `${name}-brought` } as unknown as LayoutDefinition)
        forgetLayout(brought.name)
        if (layoutHash(brought) === here) continue
        throw shardFault(
          'request.definitions',
          name,
          `layout '${name}' has other words here`,
          'the same, or none of that name',
        )
      }
      layouts.define(definition as unknown as LayoutDefinition)
      undo.push(() => forgetLayout(name))
    }
    for (const definition of definitions.schemes) {
      const name = nameIn(definition)
      if (schemes.has(name)) {
        const same = JSON.stringify(packedObject({ ...schemes.get(name).definition })) === JSON.stringify(definition)
        if (same) continue
        throw shardFault(
          'request.definitions',
          name,
          `scheme '${name}' is defined otherwise here`,
          'the same, or none of that name',
        )
      }
      schemes.define(definition as unknown as SchemeDefinition)
      undo.push(() => forgetScheme(name))
    }
  } catch (error) {
    undoAll()
    throw error
  }
  return undoAll
}

/** Runs among the schemes and layouts that a request brings; they are gone after it. */
export async function withDefinitions<Result>(request: ShardRequest, run: () => Promise<Result>): Promise<Result> {
  const undo = define(request)
  try {
    return await run()
  } finally {
    undo()
  }
}
