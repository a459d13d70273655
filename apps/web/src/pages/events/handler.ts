import { Readable } from 'node:stream'
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

/** For one look at a session, however long its events have been coming. */
const checkMs = 2000

/**
 * `/events`: the conductor's events of this person, byte for byte, until either side goes away or the session ends. The status page alone follows them: it shows all of
 * the person's connections, and there is no event that changes nothing on it.
 */
export function eventsPages(site: Site): Binding[] {
  return [
    bind(events, async (call) => {
      const lastEventId = call.request.headers['last-event-id']
      const headers: Record<string, string> =
        typeof lastEventId === 'string' && /^[\w.:-]{1,100}$/.test(lastEventId) ? { 'last-event-id': lastEventId } : {}
      const { token } = site.state(call.request)
      const isSignedIn = async () => token !== null && (await site.sessions.check(token, site.backends(call, checkMs).accounts)) !== null
      const reply = await site.backends(call).conductor.events({ userId: call.userId, headers, signal: call.signal })
      return {
        headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
        body: Readable.from(whileTrue(isSignedIn, reply.body ?? []), { objectMode: false }),
      }
    }),
  ]
}

/** Makes an open page look again, whereupon it is sent to sign in; it says nothing. */
const lookAgain = Buffer.from('data: {}\n\n')

/** What comes, as long as that holds when it comes. */
async function* whileTrue(
  holds: () => Promise<boolean>,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    if (!(await holds())) return yield lookAgain
    yield chunk
  }
}
