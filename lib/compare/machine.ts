import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import type { Machine } from './document.ts'

const caches = '/sys/devices/system/cpu/cpu0/cache'

/** Size of the largest cache level; 32 MiB where the system does not say. */
function lastLevelCacheBytes(): number {
  let largest = 0
  try {
    for (const entry of readdirSync(caches)) {
      if (!entry.startsWith('index')) continue
      const size = /^(\d+)([KM])$/.exec(readFileSync(`${caches}/${entry}/size`, 'utf8').trim())
      if (size) largest = Math.max(largest, Number(size[1]) * (size[2] === 'M' ? 1 << 20 : 1 << 10))
    }
  } catch {
    // Containers and other systems may hide it.
  }
  return largest || 32 << 20
}

/** What a reader must know of a machine before comparing its times with others. */
export function describeMachine(): Machine {
  const cpus = os.cpus()
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    lastLevelCacheBytes: lastLevelCacheBytes(),
    memoryBytes: os.totalmem(),
    kernel: `${os.type()} ${os.release()}`,
    arch: os.arch(),
    node: process.version,
    loadAverage: os.loadavg()[0] ?? 0,
    cpuQuota: cpuQuota(),
  }
}

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
export function quotaWarning({ cpuQuota: quota, cores }: Machine): string {
  if (quota === null || quota === undefined || quota >= cores) return ''
  return `A control group grants ${quota} of ${cores} CPUs: threads are stopped in between, so trust no contended time.`
}

/** Who else was busy; empty on a quiet machine. Contended times suffer most. */
export function loadWarning({ loadAverage, cores }: Machine): string {
  // On one core the run that measures is already half of a load.
  if (loadAverage < Math.max(1, cores / 2)) return ''
  return `The machine was busy (load ${loadAverage.toFixed(1)} on ${cores === 1 ? 'one core' : `${cores} cores`}) when this was measured: trust the ratios more than the times, and repeat what was contended.`
}
