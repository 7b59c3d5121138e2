// Writes schemas/*.json: what editors know of pagebox's files, and programs of the search's answer. Run it after a change of either;
// a test holds the files to it. node --import tsx scripts/schemas.mjs
import { mkdirSync, writeFileSync } from 'node:fs'
import { schemas } from '../lib/engine/schemas.ts'
import { searchSchema } from '../lib/search/schema.ts'
import { shardSchemas } from '../lib/shards/schemas.ts'

mkdirSync('schemas', { recursive: true })
for (const [name, schema] of Object.entries({ ...schemas(), search: searchSchema(), ...shardSchemas() }))
  writeFileSync(`schemas/${name}.schema.json`, `${JSON.stringify(schema, null, 1)}\n`)
