import type { Redis } from '@asheville/redis'
import { answering } from './answering.ts'
import { eventsChannel, eventsKey } from './names.ts'
import type { Subscriber } from './subscriber.ts'

/** How many events of a person are kept for those who come back, and for how many seconds after the last. */
const keptEvents = 500
const keptSeconds = 86_400

export interface StoredEvent {
  /** Redis' stream id, for `Last-Event-ID`. */
  id: string
  /** JSON, as it was published. */
  json: string
}

/** Appends an event to the person's stream and wakes those who follow it. `event` is a `LiveEvent` of the conductor's API. */
export async function publishEvent(redis: Redis, userId: string, event: object): Promise<void> {
  const key = eventsKey(userId)
  await answering(async () => {
    await redis
      .pipeline()
      .xadd(key, 'MAXLEN', '~', keptEvents, '*', 'event', JSON.stringify(event))
      .expire(key, keptSeconds)
      .publish(eventsChannel(userId), '')
      .exec()
  })
}

/** Whether this is an id of ours; whatever else a browser sends is taken as none. */
export const isEventId = (text: string): boolean => /^\d{1,15}-\d{1,10}$/.test(text)

/**
 * The person's events after `after` (null: from now on), until the signal aborts. Nothing is buffered per reader: a slow
 * one reads on from its own mark. Throws `unavailable` when Redis does not answer at the start; later outages are waited out.
 */
export async function followEvents(
  redis: Redis,
  subscriber: Subscriber,
  options: { userId: string; after: string | null; signal: AbortSignal },
): Promise<AsyncIterable<StoredEvent>> {
  const { userId, signal } = options
  const start = options.after ?? (await lastId(redis, userId))
  const first = await readAfter(redis, userId, start)
  return events(redis, subscriber, { userId, signal, start, first })
}

async function* events(
  redis: Redis,
  subscriber: Subscriber,
  { userId, signal, start, first }: { userId: string; signal: AbortSignal; start: string; first: StoredEvent[] },
): AsyncGenerator<StoredEvent> {
  const bell = createBell(signal)
  const unsubscribe = subscriber.subscribe(eventsChannel(userId), bell.ring)
  try {
    let last = start
    let batch = first
    while (!signal.aborted) {
      for (const event of batch) {
        yield event
        last = event.id
      }
      if (batch.length === 0) await bell.rung()
      if (!signal.aborted) batch = await readAfter(redis, userId, last).catch(() => [])
    }
  } finally {
    unsubscribe()
  }
}

/** Calls back whenever an event of the person is published, or may have been; returns what ends that. */
export function onEvent(subscriber: Subscriber, userId: string, listener: () => void): () => void {
  return subscriber.subscribe(eventsChannel(userId), () => listener())
}

/** Remembers one ring while nobody waits. */
function createBell(signal: AbortSignal): { ring(): void; rung(): Promise<void> } {
  let hasRung = false
  let wake: (() => void) | null = null
  const ring = () => {
    hasRung = true
    wake?.()
  }
  signal.addEventListener('abort', ring, { once: true })
  return {
    ring,
    async rung() {
      if (!hasRung && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve))
      wake = null
      hasRung = false
    },
  }
}

async function lastId(redis: Redis, userId: string): Promise<string> {
  const entries = await answering(() => redis.xrevrange(eventsKey(userId), '+', '-', 'COUNT', 1))
  return entries[0]?.[0] ?? '0-0'
}

async function readAfter(redis: Redis, userId: string, after: string): Promise<StoredEvent[]> {
  return (await answering(() => redis.xrange(eventsKey(userId), `(${after}`, '+', 'COUNT', 100))).map(storedEvent)
}

/** Those of the person's events that are kept, since an instant. */
export async function listEvents(redis: Redis, userId: string, since: Date): Promise<StoredEvent[]> {
  return (await answering(() => redis.xrange(eventsKey(userId), `${since.getTime()}-0`, '+'))).map(storedEvent)
}

const storedEvent = ([id, fields]: [string, string[]]): StoredEvent => ({ id, json: fields[1] ?? '{}' })
