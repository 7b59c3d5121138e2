import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** BTF of real kernels, which a checkout may have beside it; too many and not ours to keep in it. */
const folder = ['../../../shared/btf', '../../shared/btf']
  .map((place) => fileURLToPath(new URL(place, import.meta.url)))
  .find(existsSync)

export const realKernels: readonly string[] =
  folder === undefined
    ? []
    : readdirSync(folder)
        .filter((name) => name.endsWith('.btf'))
        .map((name) => name.slice(0, -4))
        .sort()

export const realKernel = (name: string): string => join(folder ?? '', `${name}.btf`)

export const whyNone = 'no ../shared/btf beside this checkout: real kernels are not tested'
