/** A line of a file, and what it becomes. */
export interface Mutant {
  readonly path: string
  /** From 1. */
  readonly line: number
  readonly kind: string
  readonly old: string
  readonly new: string
}
export function changesOf(line: string): [kind: string, line: string][]
export function randomBelow(seed: number): (limit: number) => number
export function drawMutants(files: readonly { path: string; text: string }[], seed: number, each?: number): Mutant[]
export function switched(mutant: Pick<Mutant, 'kind' | 'old' | 'new'>, when: string): string | null
