import { z } from 'zod'
import { documentShape } from './document.ts'
import { requestShape } from './request.ts'

/** Schemas of what travels between machines: made of what its readers check. */
export function shardSchemas(): Readonly<Record<'shard-request' | 'shard', object>> {
  const titled = (title: string, shape: z.ZodType): object => ({ title, ...z.toJSONSchema(shape) })
  return {
    'shard-request': titled('a long command as data', requestShape),
    shard: titled(
      'one part of a long command, as --shard I/N --json prints it',
      documentShape.extend({ request: requestShape }),
    ),
  }
}
