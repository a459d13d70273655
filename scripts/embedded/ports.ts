import { createHash } from 'node:crypto'
import { createServer } from 'node:net'

/** Whether 127.0.0.1:port can be listened on now. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/**
 * A free port for something private, below the ports that systems hand out by themselves (so that no passing connection
 * takes it while a crashed server restarts). The same `key` gets the same port as long as it is free.
 */
export async function privatePort(key: string): Promise<number> {
  const first = 20_000
  const count = 10_000
  const start = createHash('sha256').update(key).digest().readUInt32BE(0) % count
  for (let step = 0; step < 200; step += 1) {
    const port = first + ((start + step * 7) % count)
    if (await isPortFree(port)) return port
  }
  throw new Error('There is no free port between 20000 and 29999 on 127.0.0.1')
}
