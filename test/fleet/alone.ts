import { type FakeRequest, mergedOf, runShardData, work } from './fakeWork.mjs'

/** The same on one machine, without a queue; how long it takes is no part of it. */
export async function alone(asked: FakeRequest, of: number): Promise<string> {
  const documents = []
  for (let index = 1; index <= of; index++)
    documents.push(work.readDocument(await runShardData({ ...asked, ms: 0 }, { index, of }), asked))
  return mergedOf(documents)
}
