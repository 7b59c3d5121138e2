import { expect, test } from 'vitest'
import { runChild } from './child.ts'

test('without the addon pagebox loads, decodes, and says what it cannot do', async () => {
  // The loader looks here and nowhere else.
  const { code, output } = await runChild('withoutAddon.mjs', [], { PAGEBOX_PREBUILD: '/nowhere' })
  const platform = 'ERR_PAGEBOX_PLATFORM true'
  expect({ code, output: JSON.parse(output) }).toEqual({
    code: 0,
    output: [true, 11, 'anon', platform, platform, platform],
  })
})
