import type { Exchange } from './binding.ts'

/** One Server-Sent Event. `data` is sent as JSON. */
export interface ServerEvent {
  /** What a browser that comes back sends as `Last-Event-ID`. */
  id?: string
  /** Its name; `message` unless given. */
  event?: string
  data: unknown
}

export interface Events {
  /** What the client saw last; null at its first connection. */
  readonly lastEventId: string | null
  /** Resolves when the client can take more; throws the signal's reason once it is gone. */
  send(event: ServerEvent): Promise<void>
  /** Ends the stream; the client comes back by itself. */
  end(): void
}

const heartbeatMs = 15_000
const retryMs = 2000

/**
 * Begins a stream of Server-Sent Events (HTML standard, §9.2) as the answer, for `events` routes. Comments keep it alive
 * through proxies. It is over when `exchange.signal` aborts: the client went away, or the service stops.
 */
export function openEvents({ request, response, signal }: Exchange): Events {
  const sent = request.headers['last-event-id']
  response.status(200).set({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  response.write(`retry: ${retryMs}\n\n`)
  const heartbeat = setInterval(() => response.write(':\n\n'), heartbeatMs)
  const end = () => {
    clearInterval(heartbeat)
    response.end()
  }
  response.once('close', () => clearInterval(heartbeat))
  signal.addEventListener('abort', end, { once: true })

  return {
    lastEventId: typeof sent === 'string' && /^[\w.:-]{1,100}$/.test(sent) ? sent : null,
    end,
    send: async ({ id, event, data }) => {
      signal.throwIfAborted()
      const lines = [id === undefined ? '' : `id: ${oneLine(id)}\n`, event === undefined ? '' : `event: ${oneLine(event)}\n`]
      if (response.write(`${lines.join('')}data: ${JSON.stringify(data)}\n\n`)) return
      await new Promise<void>((resolve) => {
        response.once('drain', resolve)
        response.once('close', resolve)
      })
      signal.throwIfAborted()
    },
  }
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\0]/g, ' ')
}
