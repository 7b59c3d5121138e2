import type { Cell } from '../compare/document.ts'

/** A sign beside the colour, so that neither a colour-blind reader nor a log loses the answer. */
export const symbols: Record<Cell, string> = {
  fits: '✓',
  collides: '✗',
  refused: '○',
  impossible: '·',
}

export const meanings: Record<Cell, string> = {
  fits: 'fits',
  collides: 'collides',
  refused: 'scheme refuses',
  impossible: 'no such page',
}
