import { array, options } from '../../base/args.ts'
import { isArray } from '../../base/primordials.ts'
import { PageboxError } from '../../errors.ts'
import type { LayoutDefinition } from '../../page/layout.ts'
import { forgetLayout, layouts } from '../../page/layouts.ts'
import type { SchemeDefinition } from '../../pins/scheme.ts'
import { forgetScheme, schemes } from '../../pins/schemes.ts'
import { fault, shape } from './fault.ts'

/** A file and what it says. */
export interface Source {
  readonly file: string
  readonly content: unknown
}

interface Parts {
  readonly schemes: { at: string; definition: unknown }[]
  readonly layouts: { at: string; definition: unknown }[]
}

const each = (value: unknown, key: string): { at: string; definition: unknown }[] =>
  value === undefined ? [] : array(value, key, (definition, at) => ({ at, definition }))

function partsOf(content: unknown): Parts {
  if (isArray(content)) return { schemes: each(content, 'schemes'), layouts: [] }
  const isScheme = typeof content === 'object' && content !== null && 'protocol' in content
  if (isScheme) return { schemes: [{ at: 'the scheme', definition: content }], layouts: [] }
  const given = options(content, 'the file', ['schemes', 'layouts'] as const)
  if (given.schemes === undefined && given.layouts === undefined) throw new TypeError('nothing')
  return { schemes: each(given.schemes, 'schemes'), layouts: each(given.layouts, 'layouts') }
}

const nameIn = (definition: unknown): string | undefined => {
  const name =
    typeof definition === 'object' && definition !== null ? (definition as { name?: unknown }).name : undefined
  return typeof name === 'string' ? name : undefined
}

/** The same error, with the file and the place in it. */
function within(file: string, at: string, error: unknown): unknown {
  if (!(error instanceof PageboxError)) return error
  const said = error.message.replaceAll('definition', at).replace(/^the file /, '')
  const where = said.startsWith(at) ? '' : `${at}: `
  return new PageboxError('ERR_PAGEBOX_DEFINITIONS', `${file}: ${where}${said}`, {
    argument: file,
    ...(error.given !== undefined && { given: error.given }),
    ...(error.allowed !== undefined && { allowed: error.allowed }),
    cause: error,
  })
}

/**
 * Defines what the files say: all of it, or nothing if it throws. Layouts come first, so that an error in
 * a scheme is about the scheme. Returns the way to take all of it back.
 */
export function defineAll(sources: readonly Source[]): () => void {
  const undo: (() => void)[] = []
  const undoAll = (): void => {
    for (const back of undo.splice(0)) back()
  }
  const first = new Map<string, string>()
  const once = (kind: 'scheme' | 'layout', file: string, at: string, definition: unknown): void => {
    const name = nameIn(definition)
    if (name === undefined) return
    const here = `${file}, ${at}`
    const before = first.get(`${kind} ${name}`)
    if (before !== undefined)
      throw fault(file, `${at}: ${kind} '${name}' is defined twice`, `the other one is in ${before}`)
    first.set(`${kind} ${name}`, here)
  }
  try {
    const files = sources.map(({ file, content }) => {
      try {
        return { file, ...partsOf(content) }
      } catch (error) {
        const nothing = content === null || typeof content !== 'object' || error instanceof TypeError
        throw nothing ? fault(file, 'it says nothing', shape, error) : within(file, 'the file', error)
      }
    })
    const define = (file: string, at: string, kind: 'scheme' | 'layout', definition: unknown): void => {
      once(kind, file, at, definition)
      try {
        if (kind === 'layout') {
          const { name } = layouts.define(definition as LayoutDefinition)
          undo.push(() => forgetLayout(name))
        } else {
          const { name } = schemes.define(definition as SchemeDefinition)
          undo.push(() => forgetScheme(name))
        }
      } catch (error) {
        throw within(file, at, error)
      }
    }
    for (const { file, layouts: all } of files)
      for (const { at, definition } of all) define(file, at, 'layout', definition)
    for (const { file, schemes: all } of files)
      for (const { at, definition } of all) define(file, at, 'scheme', definition)
  } catch (error) {
    undoAll()
    throw error
  }
  return undoAll
}
