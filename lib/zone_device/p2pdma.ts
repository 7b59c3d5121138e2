import { partsOfThis } from '../mm/boxObject.ts'
import type { Mapping } from '../mm/mapping.ts'
import type { Mm } from '../mm/mm.ts'
import type { MachineSource } from '../mm/source.ts'
import type { NativeDevice } from '../native/machineBinding.ts'
import { type DeviceMapOptions, type DeviceParts, MemoryDevice, mapDevice } from './memoryDevice.ts'

/** Settings of new peer-to-peer memory. */
export interface P2pdmaOptions {
  /** Memory on the bus; 1024. */
  pages?: number
  /** Names it to other threads; `'device 1'` and so on. */
  name?: string
}

const thisDevice = <Owner>(value: P2pdma<Owner>): DeviceParts<Owner> =>
  partsOfThis<Owner, NativeDevice>(value, P2pdma, 'peer-to-peer memory')

/**
 * Memory of a device on the bus that other devices reach directly. Its pages are handed out with a
 * mapping and come back when nobody maps or holds them any more.
 */
export class P2pdma<Owner = unknown> extends MemoryDevice<Owner> {
  /** Use `box.addP2pdma()`. */
  constructor(source: MachineSource<Owner>, facts: NativeDevice, allowed: symbol) {
    super({ source, facts }, 'box.addP2pdma()', allowed)
    Object.freeze(this)
  }

  /**
   * Maps fresh zeroed pages, present from the start and shared. `pin({ p2pdma: true })` of them is the
   * only pin there is. Throws ENOMEM if the device has no more, ENODEV after a remove() that was refused.
   */
  mmap(mm: Mm<Owner>, mapping: DeviceMapOptions): Mapping<Owner> {
    return mapDevice(thisDevice(this), mm, mapping, true)
  }

  /**
   * Removes the device, and its pfns with it. Throws EBUSY, with the holders in the message, while a page
   * is mapped or held; no page is handed out any more from then on. A second remove does nothing.
   */
  override remove(): void {
    thisDevice(this)
    super.remove()
  }
}
