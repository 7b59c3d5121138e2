import { describe, expect, test } from 'vitest'
import { runChild } from './child.ts'

/* A race of five minutes; whoever waits for it is far beyond this. */
const farBeyondMs = 20_000

async function ends(does: string, flags: readonly string[] = []) {
  const begun = performance.now()
  const { code, signal, output } = await runChild('handles.mjs', [does], {}, flags)
  expect(performance.now() - begun, output).toBeLessThan(farBeyondMs)
  return { code, signal, output }
}

const ended = 'race ended by abort true\nleft {"mms":0,"files":0,"pinned":[]}\n'

describe('while a race has the box', () => {
  test('another handle is closed at once, and says what it had', async () => {
    expect(await ends('close')).toEqual({ code: 0, signal: null, output: `closed 1 true\n${ended}` })
  })

  test('the handle that began it is closed at once, and the race ends', async () => {
    expect(await ends('close-own')).toEqual({ code: 0, signal: null, output: 'closed; race ended by abort\n' })
  })

  test('another handle that was dropped is collected at once', async () => {
    expect(await ends('collect', ['--expose-gc'])).toEqual({ code: 0, signal: null, output: `collected\n${ended}` })
  })

  test('a worker with a handle is terminated at once, and what it had goes', async () => {
    expect(await ends('terminate')).toEqual({ code: 0, signal: null, output: `terminated\n${ended}` })
  })

  test.each([
    ['exit', 7],
    ['throw', 1],
    ['exit-from-worker', 7],
  ])('the process ends at once: %s', async (does, code) => {
    expect(await ends(does)).toMatchObject({ code, signal: null })
  })
})

test('a race whose box nobody holds any more runs to its end', async () => {
  expect(await ends('collect-own', ['--expose-gc'])).toEqual({ code: 0, signal: null, output: 'race ended by time\n' })
})
