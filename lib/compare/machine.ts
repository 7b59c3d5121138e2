import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import { counted } from '../base/describe.ts'
import type { Machine } from './document.ts'

const caches = '/sys/devices/system/cpu/cpu0/cache'

/** Bytes of the largest cache of each level that the system tells of. */
function cacheLevels(): Map<number, number> {
  const levels = new Map<number, number>()
  try {
    for (const entry of readdirSync(caches)) {
      if (!entry.startsWith('index')) continue
      const read = (name: string): string => readFileSync(`${caches}/${entry}/${name}`, 'utf8').trim()
      const size = /^(\d+)([KM])$/.exec(read('size'))
      const level = Number(read('level'))
      if (!size || !Number.isInteger(level)) continue
      const bytes = Number(size[1]) * (size[2] === 'M' ? 2 ** 20 : 2 ** 10)
      levels.set(level, Math.max(levels.get(level) ?? 0, bytes))
    }
  } catch {
    // Containers and other systems may hide it.
  }
  return levels
}

/** Where the system does not say. */
const usualLastLevelBytes = 32 * 2 ** 20

/** What memory is made of: the choice in brackets, as the system writes it. */
function transparentHugePages(): string | null {
  try {
    const text = readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8')
    return /\[(\w+)\]/.exec(text)?.[1] ?? null
  } catch {
    return null
  }
}

/** What a reader must know of a machine before comparing its times with others. */
export function describeMachine(): Machine {
  const cpus = os.cpus()
  const levels = cacheLevels()
  const l2 = levels.get(2)
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    ...(l2 !== undefined && { l2CacheBytes: l2 }),
    lastLevelCacheBytes: Math.max(0, ...levels.values()) || usualLastLevelBytes,
    memoryBytes: os.totalmem(),
    kernel: `${os.type()} ${os.release()}`,
    arch: os.arch(),
    node: process.version,
    loadAverage: os.loadavg()[0] ?? 0,
    cpuQuota: cpuQuota(),
    transparentHugePages: transparentHugePages(),
  }
}

/** `AMD EPYC, 2 cores`. */
export const processorText = ({ cpu, cores }: Pick<Machine, 'cpu' | 'cores'>): string =>
  `${cpu}, ${counted(cores, 'core')}`

/** What the contended costs cannot show on this machine; empty if they can. */
export function contentionNote({ cores }: Machine): string {
  if (cores === 1) return 'One CPU: threads would take turns, which is no contention, so none was measured.'
  if (cores === 2) return 'Two CPUs: contention has two points here, and how it grows beyond them is not seen.'
  return ''
}

const quotaFile = '/sys/fs/cgroup/cpu.max'

/** CPUs that the control group grants over time; null: as many as there are. */
function cpuQuota(): number | null {
  try {
    const [most, period] = readFileSync(quotaFile, 'utf8').trim().split(' ').map(Number)
    return most && period ? most / period : null
  } catch {
    return null
  }
}

/** Said where threads are stopped in the middle, whatever they do. */
function quotaWarning({ cpuQuota: quota, cores }: Machine): string {
  if (quota === null || quota === undefined || quota >= cores) return ''
  return `A control group grants ${quota} of ${cores} CPUs: threads are stopped in between, so trust no contended time.`
}

/** Below this the clock was steady: nothing that is measured here is known better. */
const mostDrift = 0.05

/** Said where the CPU was not as fast at the end as at the beginning. */
function driftWarning({ clockDrift }: Machine): string {
  if (clockDrift === undefined || Math.abs(clockDrift - 1) <= mostDrift) return ''
  const percent = Math.abs(clockDrift - 1) * 100
  const how = clockDrift > 1 ? 'slower' : 'faster'
  return `The CPU was ${percent.toFixed(0)} % ${how} at the end than at the beginning: trust the ratios more than the times.`
}

/** All that a reader must be warned of. */
export const machineWarnings = (machine: Machine): string[] =>
  [loadWarning(machine), quotaWarning(machine), driftWarning(machine)].filter((text) => text !== '')

/** Who else was busy; empty on a quiet machine. Contended times suffer most. */
function loadWarning({ loadAverage, cores }: Machine): string {
  // On one core the run that measures is already half of a load.
  if (loadAverage < Math.max(1, cores / 2)) return ''
  return `The machine was busy (load ${loadAverage.toFixed(1)} on ${cores === 1 ? 'one core' : `${cores} cores`}) when this was measured: trust the ratios more than the times, and repeat what was contended.`
}
