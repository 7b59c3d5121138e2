import { describe, expect, test } from 'vitest'
import { runCli } from './testIo.ts'

const commands = ['compare', 'layout', 'decode', 'stress', 'explore', 'replay', 'schemes', 'scenarios']

describe.each(commands)('pagebox %s --help', (command) => {
  test('explains itself with examples, on standard output', async () => {
    const { code, out, err } = await runCli([command, '--help'])
    expect(code).toBe(0)
    expect(err).toBe('')
    expect(out).toContain('Examples:')
    expect(out).toContain(`$ pagebox ${command}`)
    expect(out).toContain('--json')
  })
})

test('the help of the program names every command and the exit codes', async () => {
  const { code, out } = await runCli(['--help'])
  expect(code).toBe(0)
  for (const command of commands) expect(out).toContain(command)
  expect(out).toContain('130 interrupted')
})

test('no command at all is wrong use, and shows the help', async () => {
  const { code, out, err } = await runCli([])
  expect(code).toBe(2)
  expect(out).toBe('')
  expect(err).toContain('Usage: pagebox')
})

test.each([
  [['compose']],
  [['compare', '--fast']],
  [['compare', '--seed', '1.5']],
  [['compare', '--seed', '-1']],
  [['compare', '--seed', '4294967296']],
  [['compare', '--seed', '']],
  [['compare', '--schemes', ',']],
  [['stress', '--threads', '0']],
  [['stress', '--seconds', 'NaN']],
  [['stress', '--seconds', '-1']],
  [['stress', '--mix', 'pin']],
  [['stress', '--mix', 'pin=1=2']],
  [['stress', '--mix', 'pin=1.5']],
  [['stress', 'mm', '--failing', '101%']],
  [['stress', 'mm', '--failing', '1.5']],
  [['stress', 'mm', '--failing', '-1%']],
  [['stress', 'mm', '--failing', 'some']],
  [['stress', 'mm', '--failing', '']],
  [['stress', 'pins', '--failing', '10%']],
  [['explore', 'mm', '--failing', '101%']],
  [['stress', 'mm', '--html', 'no-such-folder/mm.html', '--seconds', '0.1']],
  [['stress', 'no-such-scenario']],
  [['stress', '--seconds', '1', '--hours', '1']],
  [['compare', '--quick', '--thorough']],
  [['compare', '--baseline', 'no-such-file.json']],
  [['compare', '--html', 'no-such-folder/report.html']],
])('%j is wrong use: code 2, a message, nothing on standard output', async (args) => {
  const { code, out, err } = await runCli(args)
  expect(code).toBe(2)
  expect(out).toBe('')
  expect(err.trim()).not.toBe('')
  expect(err).not.toContain('    at ')
})

test('a wrong name is answered with the nearest right one', async () => {
  const { err } = await runCli(['stress', 'pin'])
  expect(err).toContain('Did you mean pins?')
})

test('a baseline that is no compare document is named with what is wrong', async () => {
  const { code, err } = await runCli(['compare', '--baseline', 'package.json'])
  expect(code).toBe(2)
  expect(err).toContain('package.json is no document of pagebox compare --json')
})
