import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Finding, Line } from './program.ts'
import { scriptOf } from './script.ts'
import { shortest } from './shortest.ts'

const child = fileURLToPath(new URL('./child.mjs', import.meta.url))

export interface HuntOptions {
  readonly kind: string
  /** Seeds from here on, one a process. */
  readonly seed: number
  readonly seconds: number
  /** Processes at once. */
  readonly jobs: number
  /** Lines of each program. */
  readonly lines: number
  /** Seconds without a new line after which a process hangs. */
  readonly patience: number
  /** Where logs and scripts go. */
  readonly folder: string
  /** Give each process's own output through, as a sanitizer's reports. */
  readonly say: (text: string) => void
}

export interface Found {
  readonly finding: Finding
  readonly seed: number
  /** The shortest program that still shows it, as a script of its own. */
  readonly script: string
  readonly lines: number
}

export interface Hunted {
  readonly processes: number
  readonly calls: number
  /** Members that were called, each with how often, and how often that was no error. */
  readonly members: ReadonlyMap<string, readonly [number, number]>
  readonly seconds: number
  readonly found: readonly Found[]
}

interface Ran {
  readonly lines: Line[]
  readonly findings: { finding: Finding; at: number }[]
  readonly members: Record<string, [number, number]>
}

/** Runs one process and reads what it wrote down; how it ended is the last finding, if that is one. */
async function runProcess(args: string[], log: string, patience: number): Promise<Ran> {
  writeFileSync(log, '')
  // What a command line names by chance is written there.
  const cwd = dirname(log)
  const started = spawn(process.execPath, [child, ...args], { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  started.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 100_000) said += text
  })
  let size = 0
  let since = Date.now()
  let hung = false
  const watch = setInterval(() => {
    const now = statSync(log).size
    if (now !== size) {
      size = now
      since = Date.now()
    } else if (Date.now() - since > patience * 1000) {
      hung = true
      started.kill('SIGKILL')
    }
  }, 100)
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    started.on('close', (...how) => resolve(how))
  })
  clearInterval(watch)
  const ran = readLog(log)
  const last = ran.lines.at(-1)
  const where = last === undefined ? 'its start' : (/[\w.]+(?=\()/.exec(last.source)?.[0] ?? last.source.slice(0, 60))
  const call = where.replace(/^.*\]/, '')
  const at = ran.lines.length
  if (hung) ran.findings.push({ at, finding: { kind: 'hang', mark: `hang ${call}`, text: `no end in ${patience} s` } })
  else if (signal !== null || code !== 0) {
    const how = signal ?? `status ${code}`
    const text = said.trim().split('\n').slice(0, 40).join('\n')
    ran.findings.push({
      at,
      finding: { kind: 'crash', mark: `crash ${how} ${crashMark(said) ?? call}`, text: `${how}\n${text}` },
    })
  }
  return ran
}

/** What a sanitizer's report, or an abort, is about. */
function crashMark(said: string): string | undefined {
  const summary = /SUMMARY: (.*)/.exec(said)?.[1] ?? /runtime error: (.*)/.exec(said)?.[1]
  if (summary !== undefined) return summary.replace(/\/\S*\//g, '').slice(0, 160)
  return /(?:Assertion|FATAL ERROR|terminate called|pagebox:)[^\n]*/.exec(said)?.[0].slice(0, 120)
}

function readLog(log: string): Ran {
  const ran: Ran = { lines: [], findings: [], members: {} }
  for (const text of readFileSync(log, 'utf8').split('\n')) {
    if (text === '') continue
    let entry: Record<string, unknown>
    try {
      entry = JSON.parse(text) as Record<string, unknown>
    } catch {
      continue // Cut off where the process was killed.
    }
    if (entry.finding !== undefined) ran.findings.push(entry as unknown as { finding: Finding; at: number })
    else if (entry.calls !== undefined) Object.assign(ran.members, entry.calls)
    else if (entry.source !== undefined)
      ran.lines.push({ source: entry.source as string, waits: entry.waits as boolean })
  }
  return ran
}

/** Fuzzes in processes until the time is over. Each kind of finding is made short, and told, once. */
export async function hunt(options: HuntOptions): Promise<Hunted> {
  const { kind, folder, jobs, lines, patience, say } = options
  mkdirSync(folder, { recursive: true })
  const begun = Date.now()
  const until = begun + options.seconds * 1000
  const found: Found[] = []
  const marks = new Set<string>()
  const members = new Map<string, readonly [number, number]>()
  let [processes, calls, seed] = [0, 0, options.seed]

  async function one(job: number): Promise<void> {
    do {
      const mine = seed++
      const log = join(folder, `log-${job}.jsonl`)
      const seconds = Math.max(1, (until - Date.now()) / 1000)
      const known = join(folder, `known-${kind}-${job}.json`)
      const ran = await runProcess([kind, `${mine}`, `${lines}`, `${seconds}`, log, known], log, patience)
      processes += 1
      calls += ran.lines.length
      for (const [name, [times, done]] of Object.entries(ran.members)) {
        const [before, doneBefore] = members.get(name) ?? [0, 0]
        members.set(name, [before + times, doneBefore + done])
      }
      for (const { finding, at } of ran.findings) {
        if (marks.has(finding.mark)) continue
        marks.add(finding.mark)
        const script = await tell(finding, mine, ran.lines.slice(0, at), job)
        found.push(script)
      }
    } while (Date.now() < until)
  }

  async function tell(finding: Finding, mine: number, program: Line[], job: number): Promise<Found> {
    const file = join(folder, `program-${job}.json`)
    const log = join(folder, `replay-${job}.jsonl`)
    const shows = async (part: readonly (Line | null)[]): Promise<boolean> => {
      writeFileSync(file, JSON.stringify(part))
      const { findings } = await runProcess(['replay', file, log], log, Math.min(patience, 15))
      return findings.some((each) => each.finding.mark === finding.mark || same(each.finding, finding))
    }
    const short = await shortest(program, shows, effort[finding.kind] ?? 6)
    const text = scriptOf(short, `${finding.kind}: ${finding.text}`, mine)
    const name = join(folder, `finding-${kind}-${mine}-${found.length}.mjs`)
    if (!existsSync(name)) writeFileSync(name, text)
    const count = short.filter((line) => line !== null).length
    say(`\n${finding.kind} (seed ${mine}, ${count} of ${program.length} calls): ${finding.text}\n${text}`)
    return { finding, seed: mine, script: text, lines: count }
  }

  await Promise.all(Array.from({ length: jobs }, (_, job) => one(job)))
  return { processes, calls, members, seconds: (Date.now() - begun) / 1000, found }
}

/** Replays to shorten what does not say by itself where it comes from; of what does, few do. */
const effort: Partial<Record<Finding['kind'], number>> = { crash: 60, hang: 12, 'dirty audit': 40 }

/** A crash that shows itself elsewhere is the same one: memory that is damaged is found by whoever comes next. */
const same = (one: Finding, other: Finding): boolean =>
  one.kind === other.kind && (one.kind === 'crash' || one.kind === 'hang')
