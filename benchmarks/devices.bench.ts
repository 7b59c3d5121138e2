// Migration to a device and back against memcpy of the same pages, and CPU faults
// on device-private pages (benchmarks/native/devices.cpp).
import { deviceGroups } from './common/deviceGroups.ts'
import { samplesOf } from './common/program.ts'
import { bench } from './common/report.ts'

/** 256 MiB. */
const pages = 2 ** 16

await bench(
  'devices',
  'Migration of private pages to a device and back, both sides touched before: ns a page, one thread.',
  async (report, options) => {
    const args = [`--rounds=${options.rounds}`, `--pages=${options.maxPages ?? pages}`]
    for (const group of deviceGroups(samplesOf('devices', args, options), options)) report.group(group)
  },
)
