// What the builder's methods are given, as fields of an operation.
import { badArgument, boolean, options, type Read } from '../../base/args.ts'

// What a handle or a range says is read once, its own properties alone; whether the values are allowed
// the scenario's reader says, which knows the operation.
export const bufferOf = (value: unknown): Read<'buf' | 'pages'> =>
  options(need(value, 'buffer'), 'buffer', ['buf', 'pages'])
export const deviceOf = (value: unknown): { dev: unknown } => {
  const { dev } = options(need(value, 'device'), 'device', ['dev'])
  return { dev }
}
export const fileOf = (value: unknown): { file: unknown } => {
  const { file } = options(need(value, 'file'), 'file', ['file'])
  return { file }
}
/** A pin of any process. */
export const pinOf = (value: unknown): Record<string, unknown> => ({
  ...options(need(value, 'pin'), 'pin', ['id', 'proc']),
})

/** A handle that an earlier operation returned; options() would take nothing for an empty object. */
export function need(value: unknown, argument: string, allowed = 'what an earlier operation returned'): unknown {
  if (value !== undefined) return value
  throw badArgument('ERR_PAGEBOX_ARG_TYPE', argument, value, allowed)
}

export const flag = (name: string, value: unknown): Record<string, 1> =>
  value !== undefined && boolean(value, name) ? { [name]: 1 } : {}
export const procIn = (proc: unknown): Record<string, unknown> =>
  proc === undefined ? {} : { proc: options(proc, 'proc', ['proc']).proc }
export const procOf = (who: unknown): Record<string, unknown> => procIn(options(who, 'who', ['proc']).proc)
export const pageKeys = ['proc', 'page', 'n'] as const
export const rangeKeys = [...pageKeys, 'stopAt'] as const
export const rangeOf = ({
  proc,
  page,
  n,
  stopAt,
}: Read<(typeof pageKeys)[number]> & { readonly stopAt?: unknown }): Record<string, unknown> => ({
  ...procIn(proc),
  ...(page === undefined ? {} : { page }),
  ...(n === undefined ? {} : { n }),
  ...(stopAt === undefined ? {} : { stop_at: stopAt }),
})
