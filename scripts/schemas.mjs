// Writes schemas/*.json: what editors know of pagebox's files. Run it after a change of what a reader takes;
// a test holds the files to it. node --import tsx scripts/schemas.mjs
import { mkdirSync, writeFileSync } from 'node:fs'
import { schemas } from '../lib/engine/schemas.ts'

mkdirSync('schemas', { recursive: true })
for (const [name, schema] of Object.entries(schemas()))
  writeFileSync(`schemas/${name}.schema.json`, `${JSON.stringify(schema, null, 1)}\n`)
