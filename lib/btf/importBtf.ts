import { readFile, stat } from 'node:fs/promises'
import { release as uname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { badArgument, newName, options, string, typedArray } from '../base/args.ts'
import { typedArrayName } from '../base/primordials.ts'
import { bytesOf, withFile } from './bytes.ts'
import { describeKernel } from './describe.ts'
import type { Doubt, KernelDescriptor } from './description.ts'
import { btfFault } from './fault.ts'
import { findBtf } from './image.ts'
import { type KernelConfig, readKconfig } from './kconfig.ts'
import { parseRelease } from './release.ts'
import { Btf } from './types.ts'

/** BTF of the running kernel, where it was built with CONFIG_DEBUG_INFO_BTF. */
export const runningKernel = '/sys/kernel/btf/vmlinux'

export interface ImportBtfOptions {
  /**
   * The kernel's configuration: a path, or the file's bytes. Without it, one that lies beside the file is
   * taken (`x.config` beside `x.btf`, `config-6.1` beside `vmlinuz-6.1`); `false`: none.
   */
  kconfig?: string | Uint8Array | false
  /** Of the layout; without it, made of the file's name. */
  name?: string
}

const largestConfig = 4 * 1024 * 1024

/**
 * The page descriptor of a real kernel: from raw BTF, an ELF file with a `.BTF` section, a kernel image,
 * or `/sys/kernel/btf/vmlinux`, given as a path or as bytes. What BTF cannot say is taken from the
 * configuration or by version, and stands in `doubts`. Rejects with `ERR_PAGEBOX_BTF` for what cannot be
 * read or holds no usable BTF.
 */
export async function importBtf(source: string | Uint8Array, given: ImportBtfOptions = {}): Promise<KernelDescriptor> {
  const { btf, ...rest } = await readBtf(source, given)
  return describeKernel(btf, rest)
}

/** The types themselves, with what {@link importBtf} would describe them with. */
export async function readBtf(
  source: string | Uint8Array,
  given: ImportBtfOptions = {},
): Promise<{ btf: Btf; name: string; source: string; config: KernelConfig | undefined; doubts: Doubt[] }> {
  const { kconfig, name } = options(given, 'options', ['kconfig', 'name'] as const)
  const own = name === undefined ? undefined : newName(name, 'options.name')
  const doubts: Doubt[] = []
  if (typedArrayName(source) === 'Uint8Array') {
    const bytes = Buffer.from(typedArray(source, 'source', 'Uint8Array'))
    const config = await givenConfig(kconfig)
    const btf = new Btf(await findBtf(bytesOf(bytes, 'bytes')))
    return { btf, name: own ?? 'imported', source: 'bytes', config, doubts }
  }
  const path = string(source, 'source', 'a path or a Uint8Array')
  if (path === '' || path.includes('\0')) throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'source', source, 'a path')
  const config = (await givenConfig(kconfig)) ?? (kconfig === false ? undefined : await configBeside(path, doubts))
  const btf = new Btf(await withFile(path, 'source', (bytes) => findBtf(bytes)))
  return { btf, name: own ?? nameOf(path), source: path, config: withUname(path, config, doubts), doubts }
}

/** The running kernel's release is known, whatever BTF says. */
function withUname(path: string, config: KernelConfig | undefined, doubts: Doubt[]): KernelConfig | undefined {
  if (path !== runningKernel || config?.release !== undefined) return config
  const text = uname()
  const found = parseRelease(text)
  if (found === undefined) return config
  doubts.push({ about: 'release', kind: 'asked', text: `${text}, as the running kernel says` })
  return { arch: undefined, options: new Map(), ...config, releaseText: text, release: found }
}

async function givenConfig(kconfig: unknown): Promise<KernelConfig | undefined> {
  if (kconfig === undefined || kconfig === false) return undefined
  if (typedArrayName(kconfig) === 'Uint8Array')
    return parseConfig(Buffer.from(typedArray(kconfig, 'options.kconfig', 'Uint8Array')))
  const path = string(kconfig, 'options.kconfig', 'a path, a Uint8Array or false')
  if (path === '' || path.includes('\0'))
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'options.kconfig', kconfig, 'a path')
  return parseConfig(await readConfigFile(path))
}

const readConfigFile = (path: string): Promise<Buffer> =>
  withFile(path, 'options.kconfig', async (bytes) => {
    if (bytes.size > largestConfig)
      throw btfFault(`a configuration of ${bytes.size} bytes`, `at most ${largestConfig}`, {
        argument: 'options.kconfig',
      })
    // A file of /proc has no size until it is read.
    return bytes.size === 0 ? readFile(path) : bytes.read(0, bytes.size)
  })

/** A `.config`, or one that is compressed, as /proc/config.gz is. */
async function parseConfig(bytes: Buffer): Promise<KernelConfig> {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  const argument = 'options.kconfig'
  try {
    const text = isGzip
      ? await promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)(bytes, { maxOutputLength: largestConfig })
      : bytes
    return readKconfig(text.toString('latin1'))
  } catch (cause) {
    if (!isGzip || (cause as { name?: string }).name === 'PageboxError') throw cause
    throw btfFault(
      'a compressed configuration that is damaged or too large',
      `gzip of at most ${largestConfig} bytes`,
      {
        argument,
        cause,
      },
    )
  }
}

/** Where the configuration of a kernel lies, by what is usual. */
function placesOfConfig(path: string): string[] {
  if (path === runningKernel) return ['/proc/config.gz', `/boot/config-${uname()}`, `/lib/modules/${uname()}/config`]
  const folder = dirname(path)
  const file = basename(path)
  const places: string[] = []
  if (file.endsWith('.btf')) places.push(join(folder, `${file.slice(0, -4)}.config`))
  const [, version] = /^(?:vmlinu[xz]|bzImage|Image|kernel)-(.+)$/.exec(file) ?? []
  if (version !== undefined) places.push(join(folder, `config-${version}`))
  if (/^(vmlinu[xz]|bzImage|Image)(\.\w+)?$/.test(file)) places.push(join(folder, 'config'), join(folder, '.config'))
  return places
}

async function configBeside(path: string, doubts: Doubt[]): Promise<KernelConfig | undefined> {
  for (const place of placesOfConfig(path)) {
    const found = await stat(place).then(
      (each) => each.isFile(),
      () => false,
    )
    if (!found) continue
    const config = await parseConfig(await readConfigFile(place))
    doubts.push({ about: 'configuration', kind: 'asked', text: `taken from ${place}, beside the file` })
    return config
  }
  return undefined
}

/** `'7.2.13-amd64.btf'` → `'linux-7.2.13-amd64'` */
function nameOf(path: string): string {
  if (path === runningKernel) return nameOf(uname())
  const file = basename(path).replace(/\.(btf|elf|gz|img)$/, '')
  const clean = file.replace(/[^\w.-]+/g, '-').replace(/^[^a-zA-Z0-9]+/, '')
  return (/^[a-zA-Z]/.test(clean) ? clean : `linux-${clean}`).slice(0, 64)
}
