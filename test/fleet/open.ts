import { afterAll, beforeAll } from 'vitest'
import { connect } from '../../lib/fleet/connect.ts'
import { Store } from '../../lib/fleet/store.ts'
import { TestServer } from './server.ts'

/** A store on a test's server, and what its connection said. */
export async function openStore(socket: string, password?: string): Promise<{ store: Store; said: string[] }> {
  const said: string[] = []
  const address = { path: socket, tls: false, db: 0, shown: socket, ...(password !== undefined && { password }) }
  return { store: new Store(await connect(address, (text) => said.push(text))), said }
}

/** A server for the tests of the suite around, and a store on it, which is there when they begin. */
export function onServer(use: (store: Store) => void): TestServer {
  const server = new TestServer()
  let store: Store | undefined
  beforeAll(async () => {
    await server.start()
    store = (await openStore(server.socket)).store
    use(store)
  })
  afterAll(async () => {
    await store?.close()
    await server.close()
  })
  return server
}
