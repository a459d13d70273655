import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/** Whether 127.0.0.1:port can be listened on now. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** What this process has claimed, and what for. */
const claims = new Map<number, string>()

/**
 * Claims a port that is free, so that no other process that asks here is given it before somebody listens on it, or while who listened on it starts
 * again. Claims end with the process, however it ends: each is a UDP socket of the same number, which nothing else here uses. False: it
 * is taken, or claimed by another process or with another `key`.
 */
export async function claimPort(port: number, key: string): Promise<boolean> {
  const claimed = claims.get(port)
  if (claimed !== undefined) return claimed === key && (await isPortFree(port))
  if (!(await isPortFree(port))) return false
  claims.set(port, key)
  const socket = createSocket('udp4')
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close()
      claims.delete(port)
      resolve(false)
    })
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => {
      socket.unref()
      resolve(true)
    })
  })
}

/**
 * A free port for something private, claimed, below the ports that systems hand out by themselves (so that no passing connection
 * takes it while a crashed server restarts). The same `key` gets the same port as long as it is free.
 */
export async function privatePort(key: string): Promise<number> {
  const first = 20_000
  const count = 10_000
  const start = createHash('sha256').update(key).digest().readUInt32BE(0) % count
  for (let step = 0; step < 200; step += 1) {
    const port = first + ((start + step * 7) % count)
    if (await claimPort(port, key)) return port
  }
  throw new Error('There is no free port between 20000 and 29999 on 127.0.0.1')
}
