import { quoted } from '../base/quoted.ts'
import type { LayoutDeclaration } from '../btf/declaration.ts'
import type { KernelDescriptor } from '../btf/description.ts'
import { PageboxError } from '../errors.ts'
import type { Layout } from '../page/layout.ts'
import { UsageError } from './failure.ts'

/** The options of a command that takes a real kernel's layout. */
export interface BtfOptions {
  btf?: string
  kconfig?: string
}

export const btfHelp = "a real kernel's: BTF, vmlinux or vmlinuz, or /sys/kernel/btf/vmlinux"
export const kconfigHelp = 'the configuration of that kernel, if it does not lie beside it'

/** Whether a file with BTF was given. Throws for `--kconfig` without one. */
export function hasBtf<Given extends BtfOptions>(options: Given): options is Given & { btf: string } {
  if (options.btf !== undefined) return true
  if (options.kconfig !== undefined) throw new UsageError('--kconfig belongs to --btf')
  return false
}

/** A kernel's descriptor, from the file and what lies beside it. */
export async function readKernel({ btf, kconfig }: { btf: string; kconfig?: string }): Promise<KernelDescriptor> {
  const { importBtf } = await import('../index.ts')
  try {
    return await importBtf(btf, kconfig === undefined ? {} : { kconfig })
  } catch (error) {
    if (!(error instanceof PageboxError) || !error.message.startsWith('source: ')) throw error
    // Of several files a reader wants to know which.
    throw new PageboxError(error.code, `${btf}${error.message.slice('source'.length)}`, {
      argument: '--btf',
      cause: error,
    })
  }
}

/** The kernel's layout as boxes know layouts; refused where a layout cannot say what the kernel has. */
export async function defineKernel(kernel: KernelDescriptor, declared?: LayoutDeclaration): Promise<Layout> {
  const { layouts, toLayoutDeclaration } = await import('../index.ts')
  const { definition, cannotSay } = declared ?? toLayoutDeclaration(kernel)
  const refused = cannotSay.filter((each) => each.refused).map(({ what }) => what)
  if (refused.length > 0)
    throw new UsageError(`${kernel.name} cannot be used yet; a layout cannot say: ${refused.join('; ')}`)
  let { name } = definition
  for (let copy = 2; layouts.has(name); copy++) name = `${definition.name.slice(0, 58)}-${copy}`
  return layouts.define({ ...definition, name })
}

/** The arguments that name a layout again: the file that it was imported from, or its name. */
export const layoutArguments = ({ btf, kconfig, layout }: BtfOptions & { layout: string }): string =>
  btf === undefined
    ? `--layout ${layout}`
    : [`--btf ${quoted(btf)}`, ...(kconfig === undefined ? [] : [`--kconfig ${quoted(kconfig)}`])].join(' ')

/** The layout that `--btf` and `--kconfig` name, defined; undefined without them. */
export async function importedLayout(options: BtfOptions): Promise<Layout | undefined> {
  return hasBtf(options) ? defineKernel(await readKernel(options)) : undefined
}

/** Layouts with the imported one, once, as the last. */
export const withImported = (layouts: readonly Layout[], imported: Layout | undefined): Layout[] =>
  imported === undefined ? [...layouts] : [...layouts.filter(({ name }) => name !== imported.name), imported]
