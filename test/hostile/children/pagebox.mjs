// pagebox, for a process or worker that vitest does not transform: compiled, or from the sources (see ../../globalSetup.mjs).
const compiled = process.env.PAGEBOX_TEST_DIST === '1'
if (!compiled) (await import('tsx/esm/api')).register()
export const { Box, decodeWords, explore, explorePins, layouts, prepareCost, race, roomMatrix, run, schemes } =
  await import(compiled ? '../../../dist/index.js' : '../../../lib/index.ts')
