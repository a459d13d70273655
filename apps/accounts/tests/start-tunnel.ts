import { once } from 'node:events'
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server (its host and port in `url` are replaced by the tunnel's) that can be cut, or stand still. */
export async function startTunnel(url: string) {
  const { hostname: host, port } = new URL(url)
  const target = { host, port: Number(port) }
  const sockets = new Set<Socket>()
  const state = { mode: 'open' as 'open' | 'cut' | 'frozen' }
  const server = createServer((inner) => {
    if (state.mode === 'cut') return void inner.destroy()
    const outer = connectTcp(target)
    for (const socket of [inner, outer]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
      if (state.mode === 'frozen') socket.pause()
    }
    inner.on('data', (data) => state.mode === 'open' && outer.write(data)).on('close', () => outer.destroy())
    outer.on('data', (data) => state.mode === 'open' && inner.write(data)).on('close', () => inner.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const drop = () => sockets.forEach((socket) => socket.destroy())
  const tunnelPort = (server.address() as AddressInfo).port
  return {
    url: Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(tunnelPort) }).href,
    set(mode: typeof state.mode) {
      state.mode = mode
      if (mode !== 'frozen') drop()
    },
    async close() {
      drop()
      server.close()
      await once(server, 'close')
    },
  }
}
