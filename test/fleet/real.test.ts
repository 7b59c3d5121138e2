import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCli } from '../cli/testIo.ts'
import { onCommands, timeless } from './commandProcesses.ts'
import { hasServer } from './server.ts'

describe.skipIf(!hasServer)('a fleet of two workers', () => {
  const { server, pagebox, work } = onCommands()

  test('explores what one machine explores, and finds what it finds', { timeout: 240_000 }, async () => {
    const command = ['explore', 'pins-against-migration', '--samples', '1000', '--seed', '7']
    const ran = pagebox('fleet', 'run', '--shards', '8', '--json', ...command)
    const workers = [work(), work()]
    const { code, out, err } = await ran.ended
    for (const { child } of workers) child.kill('SIGTERM')
    const alone = await pagebox(...command, '--json').ended
    expect(code, err).toBe(alone.code)
    const { document, findings } = JSON.parse(out)
    const whole = JSON.parse(alone.out)
    expect(document.schedules).toBe(whole.schedules)
    expect(timeless(document.outcomes)).toEqual(timeless(whole.outcomes))
    expect(findings.length > 0).toBe(alone.code === 1)
  })

  test('compares recordings that lie on the worker, and on no queue', { timeout: 240_000 }, async () => {
    const file = join(import.meta.dirname, '../vectors/handwritten.jsonl.gz')
    const ran = pagebox('fleet', 'run', '--shards', '3', '--json', 'conform', file)
    const worker = pagebox('fleet', 'work', '--cores', '1', '--recordings', file)
    const { code, out, err } = await ran.ended
    worker.child.kill('SIGTERM')
    const { document, aside } = JSON.parse(out)
    expect({ code, aside }, err).toEqual({ code: 0, aside: [] })
    const alone = JSON.parse((await pagebox('conform', file, '--json').ended).out)
    expect(document).toMatchObject({ scenarios: alone.scenarios, operations: alone.operations, matched: alone.matched })
  })

  test.each([
    [['schemes'], /"schemes" cannot be shared; a fleet runs explore, stress, zoo, conform, compare/],
    [['zoo', '--shard', '1/2'], /--shard is for one machine/],
    [['zoo', '--html', 'x.html'], /--html is of the whole/],
    [['zoo', 'nothing'], /no entry "nothing"|no bug/],
    [['explore', 'pins', '--samples', '-1'], /samples/],
    [['zoo', '--list'], /has no shards/],
  ])('%j is wrong use', async (command, says) => {
    const { code, err } = await runCli(['fleet', 'run', '--queue', server.socket, '--detach', ...command])
    expect(err).toMatch(says)
    expect(code).toBe(2)
  })
})
