// Writes down what the addon declares, for systems that have none: decode,
// layouts and reports work there too. Run after a change of the tables:
//   npm run build && node scripts/record-tables.mjs
// A test compares the recording with the addon.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const tables = createRequire(import.meta.url)('node-gyp-build')(root).tables()
const text = JSON.stringify(tables, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value))
const literal = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
writeFileSync(
  join(root, 'lib', 'native', 'recordedTables.generated.ts'),
  `// Written by scripts/record-tables.mjs.\nexport const recorded =\n  '${literal}'\n`,
)
