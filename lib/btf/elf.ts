import type { Bytes } from './bytes.ts'
import { largestBtf } from './blob.ts'
import { btfFault } from './fault.ts'

const mostSections = 100_000
const longestNames = 16 * 1024 * 1024

interface Section {
  readonly name: number
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly size: number
  readonly link: number
}

export const isElf = (head: Buffer): boolean => head.length >= 16 && head.readUInt32BE(0) === 0x7f454c46

/** What of ELF depends on its class and byte order. */
class ElfReader {
  readonly #is64: boolean
  readonly #little: boolean

  constructor(head: Buffer) {
    const [format, order] = [head[4], head[5]]
    if ((format !== 1 && format !== 2) || (order !== 1 && order !== 2))
      throw btfFault(`ELF of class ${format} and byte order ${order}`, 'class 1 or 2, byte order 1 or 2')
    this.#is64 = format === 2
    this.#little = order === 1
  }

  get headerBytes(): number {
    return this.#is64 ? 64 : 52
  }
  get sectionBytes(): number {
    return this.#is64 ? 64 : 40
  }

  #u16(from: Buffer, at: number): number {
    return this.#little ? from.readUInt16LE(at) : from.readUInt16BE(at)
  }
  #u32(from: Buffer, at: number): number {
    return this.#little ? from.readUInt32LE(at) : from.readUInt32BE(at)
  }
  #word(from: Buffer, at32: number, at64: number): number {
    if (!this.#is64) return this.#u32(from, at32)
    const value = this.#little ? from.readBigUInt64LE(at64) : from.readBigUInt64BE(at64)
    // Beyond any file; whoever uses it as an offset is refused.
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value)
  }

  header(from: Buffer): { sectionsAt: number; sectionBytes: number; count: number; names: number } {
    const at = this.#is64 ? 58 : 46
    return {
      sectionsAt: this.#word(from, 32, 40),
      sectionBytes: this.#u16(from, at),
      count: this.#u16(from, at + 2),
      names: this.#u16(from, at + 4),
    }
  }

  section(from: Buffer, at: number): Section {
    return {
      name: this.#u32(from, at),
      type: this.#u32(from, at + 4),
      flags: this.#word(from, at + 8, at + 8),
      offset: this.#word(from, at + 16, at + 24),
      size: this.#word(from, at + 20, at + 32),
      link: this.#u32(from, at + (this.#is64 ? 40 : 24)),
    }
  }
}

const without = (name: string) =>
  btfFault(
    `${name} without BTF`,
    'a kernel built with CONFIG_DEBUG_INFO_BTF; of the running one, /sys/kernel/btf/vmlinux',
  )

const emptySection = 0
const noBits = 8
const compressed = 0x800

/** The `.BTF` section of an ELF file: of that, and of the tables that lead there, nothing else is read. */
export async function btfOfElf(bytes: Bytes): Promise<Buffer> {
  const elf = new ElfReader(await bytes.read(0, 16))
  const header = elf.header(await bytes.read(0, elf.headerBytes))
  if (header.sectionsAt === 0) throw without('an ELF file without sections')
  if (header.sectionBytes !== elf.sectionBytes)
    throw btfFault(`ELF sections of ${header.sectionBytes} bytes`, `${elf.sectionBytes}`)
  const first = elf.section(await bytes.read(header.sectionsAt, elf.sectionBytes), 0)
  // What does not fit into 16 bits stands in section 0.
  const count = header.count === 0 ? first.size : header.count
  const names = header.names === 0xffff ? first.link : header.names
  if (count > mostSections || names >= count)
    throw btfFault(
      `${count} ELF sections, with names in ${names}`,
      `at most ${mostSections}, with names in one of them`,
    )
  const table = await bytes.read(header.sectionsAt, count * elf.sectionBytes)
  const { offset, size } = elf.section(table, names * elf.sectionBytes)
  if (size > longestNames) throw btfFault(`section names of ${size} bytes`, `at most ${longestNames}`)
  const strings = await bytes.read(offset, size)
  const wanted = Buffer.from('.BTF\0', 'latin1')
  for (let i = 0; i < count; i++) {
    const section = elf.section(table, i * elf.sectionBytes)
    const { name } = section
    if (name + wanted.length > strings.length || strings.compare(wanted, 0, 5, name, name + 5) !== 0) continue
    if (section.type === emptySection || section.type === noBits || section.size === 0) continue
    if ((section.flags & compressed) !== 0)
      throw btfFault('a compressed .BTF section', 'one that is not; `objcopy --decompress-debug-sections` makes it')
    if (section.size > largestBtf) throw btfFault(`a .BTF section of ${section.size} bytes`, `at most ${largestBtf}`)
    return bytes.read(section.offset, section.size)
  }
  throw without('an ELF file')
}
