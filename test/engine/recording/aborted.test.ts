import { execFileSync } from 'node:child_process'
import { open, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { conformFiles } from '../../../lib/engine/recording/conformFiles.ts'

/* An abort that comes while the next file gives nothing ends the reader, and not that file alone. */

test('an abort between two files is an abort', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pagebox-'))
  const pipe = join(folder, 'pipe.jsonl')
  const recordings = new URL('../../vectors/handwritten-thp.jsonl.gz', import.meta.url).pathname
  execFileSync('mkfifo', [pipe])
  // With a writer that never writes, opening is done and reading waits.
  const writer = await open(pipe, 'r+')
  try {
    const stop = new AbortController()
    const { stoppedBy, files } = await conformFiles([recordings, pipe, recordings], {
      signal: stop.signal,
      onScenario: () => void setTimeout(() => stop.abort(), 200),
    })
    expect(stoppedBy).toBe('abort')
    expect(files).toEqual([recordings])
  } finally {
    await writer.close()
    await rm(folder, { recursive: true })
  }
})
