import { createRequire } from 'node:module'
import { test as base } from 'vitest'
import { Box } from '../engine/box.ts'
import type { BoxOptions } from '../engine/boxTypes.ts'
import type { Mm } from '../mm/mm.ts'
import type { Device, DeviceOptions } from '../zone_device/device.ts'
import { withOverride } from './override.ts'

/** What a test gets by naming it in its arguments. */
export interface PageboxFixtures {
  /** Settings of `box`; set them for a file or a suite with `test.override`. */
  boxOptions: BoxOptions
  /** A box of its own for each test, audited and closed after it. */
  box: Box
  /** An address space of `box`; it exits after the test. */
  mm: Mm<Box>
  /** Settings of `device`; set them for a file or a suite with `test.override`. */
  deviceOptions: DeviceOptions
  /** A device of `box`, removed after the test: whoever still pins its pages fails it. */
  device: Device<Box>
}

/** Of the vitest that this module is loaded in. */
function vitestVersion(): string {
  try {
    return String((createRequire(import.meta.url)('vitest/package.json') as { version: unknown }).version)
  } catch {
    return 'of an unknown version'
  }
}

const extended = base.extend<PageboxFixtures>({
  boxOptions: async ({}, use) => {
    await use({ pages: 1024 })
  },
  box: async ({ boxOptions }, use) => {
    const box = Box.create(boxOptions)
    try {
      await use(box)
      if (!box.closed) box.audit().assertClean()
    } finally {
      box.close()
    }
  },
  mm: async ({ box }, use) => {
    const mm = box.createMm()
    await use(mm)
    if (!box.closed) mm.close()
  },
  deviceOptions: async ({}, use) => {
    await use({ type: 'private', pages: 256 })
  },
  device: async ({ box, deviceOptions }, use) => {
    const device = box.addDevice(deviceOptions)
    await use(device)
    if (!box.closed) device.remove()
  },
})

/**
 * vitest's `test` with pagebox's fixtures. A test that leaves a dirty box behind fails, even if
 * nothing in it asked for the audit.
 */
export const test: typeof extended = withOverride(extended, vitestVersion())
