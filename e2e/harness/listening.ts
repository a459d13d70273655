import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A server that can be taken off its port and put back on it. */
export interface Listening {
  readonly port: number
  setDown(isDown: boolean): Promise<void>
  close(): Promise<void>
}

/** Listens on 127.0.0.1; `connections` are the open ones, which are reset when it goes down. */
export async function listening(server: Server, wanted: number, connections: ReadonlySet<Socket>): Promise<Listening> {
  server.listen(wanted, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  async function down(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of connections) socket.resetAndDestroy()
    await closed
  }
  return {
    port,
    async setDown(isDown) {
      if (isDown) return down()
      if (server.listening) return
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    close: down,
  }
}
