import { setTimeout as sleep } from 'node:timers/promises'
import { AshevilleError } from '@asheville/core'
import type { ItemChange, platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { openEvents, type Handler } from '@asheville/service'
import { changesAfter, lastChange, type ChangeRow } from '../queries/changes.ts'
import { readableTypes } from '../readable.ts'

/** How soon a change is told, and a revoked token cut off. */
const everyMs = 500
const batch = 500
const maxOpen = 5

/**
 * Changes of the person's items, as the index has them: each item once, with its last change, so that nothing is kept for those who
 * come back, however late. It is looked at twice a second; so is the token.
 */
export function events({ db }: { db: Database }): Handler<typeof platformRoutes.events> {
  const open = new Map<string, number>()

  return async (call) => {
    const { userId, app, query, request, signal } = call
    if (!app) throw new AshevilleError('forbidden', 'Our own services ask the conductor')
    const types = readableTypes(app, query.contentType ?? null)
    const isWanted = ({ contentType }: ChangeRow) =>
      query.contentType === undefined ? types === null || types.includes(contentType) : contentType === query.contentType
    let mark = markOf(request.headers['last-event-id']) ?? (await lastChange(db, userId))

    const mine = open.get(app.id) ?? 0
    if (mine >= maxOpen)
      throw new AshevilleError('rate-limited', `This token has ${maxOpen} streams of events open already`, { retryAfterMs: 5000 })
    open.set(app.id, mine + 1)
    try {
      const stream = openEvents(call)
      while (!signal.aborted && (await app.isGood())) {
        const changes = await changesAfter(db, userId, mark, batch)
        for (const change of changes.filter(isWanted))
          await stream.send({ id: String(change.changed), event: kindOf(change, mark), data: dataOf(change) })
        mark = changes.at(-1)?.changed ?? mark
        if (changes.length < batch) await sleep(everyMs, undefined, { signal }).catch(() => undefined)
      }
      stream.end()
    } finally {
      const left = (open.get(app.id) ?? 1) - 1
      if (left > 0) open.set(app.id, left)
      else open.delete(app.id)
    }
  }
}

/** What was seen last; null: nothing yet. Throws `invalid` for what was never said. */
function markOf(lastEventId: string | string[] | undefined): number | null {
  if (lastEventId === undefined) return null
  if (typeof lastEventId === 'string' && /^\d{1,15}$/.test(lastEventId)) return Number(lastEventId)
  const message = 'This is none of our events'
  throw new AshevilleError('invalid', message, { faults: [{ pointer: '/headers/last-event-id', message }] })
}

/** As it is for whoever has seen everything up to the mark. */
function kindOf({ goneAt, arrived }: ChangeRow, mark: number): 'new' | 'changed' | 'gone' {
  if (goneAt !== null) return 'gone'
  return arrived > mark ? 'new' : 'changed'
}

function dataOf({ key, id, network, account, contentType, at, goneAt }: ChangeRow): ItemChange {
  return { key, id, network, account, contentType, at, goneAt }
}
