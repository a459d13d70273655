import type { Counters, Handler } from '../kit/index.ts'
import type { Cursor } from './cursors.ts'
import type { Endpoint } from './endpoint.ts'
import type { Sessions } from './sessions.ts'
import type { Place } from './world.ts'

/** What the routes of all topics work with. */
export type RouteParts = {
  /** Adds an endpoint under `/2/` and its name. */
  endpoint<A>(endpoint: Endpoint<A>): void
  add(method: string, pattern: string, handler: Handler): void
  sessions: Sessions
  cursors: { write(cursor: Cursor): string; read(given: string): Cursor | null }
  places: readonly Place[]
  now(): number
  counters(): Counters
  settings: {
    commitMs: number
    jobMs: number
    pageSize: number
    longpollMs: number | null
    lockAnswer: 'rate-limit' | 'tagged'
    committedSession: 'closed' | 'not_found'
  }
}
