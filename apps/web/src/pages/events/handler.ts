import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { route } from '@asheville/core'
import { bind, type Binding } from '@asheville/service'
import type { Site } from '../../site.ts'

const events = route({
  method: 'GET',
  path: '/events',
  summary: 'What changes for the signed-in person, live (Server-Sent Events), resumed after Last-Event-ID',
  policy: { who: 'person' },
  reply: 'events',
})

/** `/events`: the conductor's events of this person, byte for byte, until either side goes away. */
export function eventsPages(site: Site): Binding[] {
  return [
    bind(events, async (call) => {
      const lastEventId = call.request.headers['last-event-id']
      const headers: Record<string, string> =
        typeof lastEventId === 'string' && /^[\w.:-]{1,100}$/.test(lastEventId) ? { 'last-event-id': lastEventId } : {}
      const reply = await site.backends(call).conductor.events({ userId: call.userId, headers, signal: call.signal })
      return {
        headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
        body: reply.body ? Readable.fromWeb(reply.body as ReadableStream<Uint8Array>) : Readable.from([]),
      }
    }),
  ]
}
