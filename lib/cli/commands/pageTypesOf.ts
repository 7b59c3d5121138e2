import type { Layout } from '../../page/layout.ts'
import { pickMany } from '../parse.ts'

/** The page types that `--type` names; undefined: all. */
export const pageTypesOf = (layout: Layout, wanted: readonly string[] | undefined): string[] | undefined =>
  wanted &&
  pickMany(
    layout.types.map((each) => ({ name: each as string })),
    wanted,
    'page type',
  ).map(({ name }) => name)
