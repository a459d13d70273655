import { Readable } from 'node:stream'
import type { conductorRoutes } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { followEvents, isEventId, type StoredEvent } from '@asheville/jobs'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'

const heartbeatMs = 15_000
/** A browser comes back by itself; what it missed meanwhile is read after its last id. */
const longestMs = 60 * 60_000
const mostPerPerson = 20

/**
 * The person's live events as Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html): resumed
 * after `Last-Event-ID`, else from now on, with a comment every 15 s so that nobody takes the silence for an end.
 */
export function events({ redis, subscriber }: Context): Handler<typeof conductorRoutes.events> {
  const open = new Map<string, number>()

  return async ({ userId, request, signal }) => {
    if ((open.get(userId) ?? 0) >= mostPerPerson)
      throw new AshevilleError('rate-limited', 'Too many pages follow at once', { retryAfterMs: 5000 })
    const asked = request.get('last-event-id')
    const after = asked !== undefined && isEventId(asked) ? asked : null
    const ends = AbortSignal.any([signal, AbortSignal.timeout(longestMs)])
    const stored = await followEvents(redis, subscriber, { userId, after, signal: ends })

    open.set(userId, (open.get(userId) ?? 0) + 1)
    const body = Readable.from(asText(stored), { objectMode: false, highWaterMark: 16 * 1024 })
    body.once('close', () => {
      const left = (open.get(userId) ?? 1) - 1
      if (left > 0) open.set(userId, left)
      else open.delete(userId)
    })
    return { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }, body }
  }
}

const comment = ': \n\n'

async function* asText(stored: AsyncIterable<StoredEvent>): AsyncGenerator<string> {
  const iterator = stored[Symbol.asyncIterator]()
  try {
    // At once, so that the other side knows that it is connected.
    yield comment
    let next = iterator.next()
    for (;;) {
      const result = await within(heartbeatMs, next)
      if (result?.done) return
      if (result) {
        yield `id: ${result.value.id}\ndata: ${result.value.json}\n\n`
        next = iterator.next()
      } else yield comment
    }
  } finally {
    await iterator.return?.()
  }
}

/** The value, or null if it is not there in time. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(resolve, ms, null)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
