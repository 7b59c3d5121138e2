import type { RunReport } from '../../fleet/summary.ts'
import { joinShards } from '../../shards/merge.ts'
import type { ShardDocument } from '../../shards/types.ts'
import type { Io } from '../io.ts'
import { printText } from '../shards/print.ts'

/** What the command itself would print of what is there; nothing, where there is nothing. */
export async function resultText({ documents }: RunReport, io: Io): Promise<string> {
  if (documents.length === 0) return ''
  const joined = joinShards(
    documents.map(({ data }) => data as ShardDocument),
    { allowMissing: true },
  )
  let text = ''
  const into: Io = {
    ...io,
    out(more) {
      text += more
    },
  }
  await printText(joined, into)
  return text
}
