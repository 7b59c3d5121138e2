import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { layouts, schemes } from '../../lib/index.ts'
import { createProgram } from '../../lib/cli/program.ts'
import type { Io } from '../../lib/cli/io.ts'
import { runCli } from './testIo.ts'

const script = async (shell: string): Promise<string> => (await runCli(['completion', shell])).out

/** What bash offers for a line whose last word is being typed. */
function offers(bash: string, line: string): string[] {
  const words = line.split(' ')
  const quoted = words.map((word) => `'${word}'`).join(' ')
  const { stdout, stderr } = spawnSync(
    'bash',
    [
      '-c',
      `${bash}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _pagebox; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
    { encoding: 'utf8' },
  )
  expect(stderr).toBe('')
  return stdout.trim().split('\n')
}

describe('bash', async () => {
  const bash = await script('bash')

  test('offers every command that there is', () => {
    const program = createProgram({ io: {} as Io, exit() {} })
    const names = program.commands.map((command) => command.name())
    expect(names.length).toBeGreaterThan(7)
    expect(offers(bash, 'pagebox ')).toEqual(expect.arrayContaining(names))
    expect(offers(bash, 'pagebox comp')).toEqual(['compare', 'completion'])
  })

  test('offers every option of every command', () => {
    for (const command of createProgram({ io: {} as Io, exit() {} }).commands) {
      const shown = command.options.filter(({ hidden }) => !hidden).map(({ long }) => long as string)
      expect(offers(bash, `pagebox ${command.name()} --`)).toEqual(expect.arrayContaining([...shown, '--help']))
    }
  })

  test('offers names where names are asked for, the last of a list too', () => {
    expect(offers(bash, 'pagebox stress --scheme ')).toEqual(schemes.names)
    expect(offers(bash, 'pagebox compare --layouts linux-6')).toEqual(
      layouts.names.filter((name) => name.startsWith('linux-6')),
    )
    expect(offers(bash, 'pagebox compare --schemes refcount,side')).toEqual(['refcount,side-table'])
    expect(offers(bash, 'pagebox layout linux-4.20-z')).toEqual(['linux-4.20-zd', 'linux-4.20-zd-32'])
    expect(offers(bash, 'pagebox stress dev')).toEqual(['devices'])
    expect(offers(bash, 'pagebox completion ')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']))
  })

  test('offers files where a file is asked for', () => {
    expect(offers(bash, 'pagebox compare --baseline package')).toEqual(
      expect.arrayContaining(['package.json', 'package-lock.json']),
    )
  })
})

test.each(['zsh', 'fish'])('%s: each command and option is there, and what is said of it is quoted', async (shell) => {
  const text = await script(shell)
  for (const command of createProgram({ io: {} as Io, exit() {} }).commands) {
    expect(text).toContain(command.name())
    for (const { long, hidden } of command.options)
      if (!hidden) expect(text).toContain(shell === 'fish' ? `-l ${long?.slice(2)}` : long)
  }
  const { error, status, stderr } = spawnSync(shell, ['-n', '/dev/stdin'], { input: text, encoding: 'utf8' })
  // Checked by the shell itself where there is one.
  if (error === undefined) expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})

test('another shell is wrong use', async () => {
  const { code, err } = await runCli(['completion', 'csh'])
  expect(code).toBe(2)
  expect(err).toContain('bash')
})
