// pagebox from its sources, for a process or worker that vitest does not transform.
import { register } from 'tsx/esm/api'

register()
export const { Box, decodeWords, explore, explorePins, layouts, prepareCost, race, roomMatrix, run, schemes } =
  await import('../../../lib/index.ts')
