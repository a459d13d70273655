import { Agent, request } from 'node:http'

export interface Sent {
  method: string
  /** Path and query as they go over the wire: nothing is encoded or tidied up. */
  path: string
  headers?: Record<string, string | undefined>
  body?: string | Uint8Array
}

export interface Answered {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  text: string
}

export interface Sender {
  (sent: Sent): Promise<Answered>
  close(): void
}

const headWithinMs = 30_000
const eventsForMs = 50

/**
 * A plain HTTP client that sends what it is told, however odd. A stream of events is read for a moment. A connection that breaks before an
 * answer is an error; one that is closed while a large body is still being sent has been answered.
 */
export function createSender(origin: string): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const { hostname, port } = new URL(origin)

  function send({ method, path, headers = {}, body }: Sent): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const given = Object.fromEntries(Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== undefined))
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
      const call = request({ hostname, port, path, method, agent, headers: { ...given, ...length }, timeout: headWithinMs }, (response) => {
        const chunks: Buffer[] = []
        const end = (): void =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() })
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('end', end)
        response.once('error', end)
        if (String(response.headers['content-type']).startsWith('text/event-stream'))
          setTimeout(() => (end(), response.destroy()), eventsForMs)
      })
      call.once('timeout', () => call.destroy(new Error(`${method} ${path.slice(0, 100)} was not answered`)))
      call.once('error', (cause) => reject(new Error(`${method} ${path.slice(0, 100)}: ${cause.message}`, { cause })))
      call.end(body)
    })
  }
  return Object.assign(send, { close: () => agent.destroy() })
}
