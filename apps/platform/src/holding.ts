import { AshevilleError } from '@asheville/core'
import type { Database } from '@asheville/database'
import { holdMonths, releaseMonths } from './queries/pages.ts'

/** Should we die, others wait this long. */
export const holdMs = 15_000

export interface HoldScope {
  db: Database
  userId: string
  storageId: string
  signal: AbortSignal
}

/** Keeps the months held while `work` runs. Should they be lost to another, the signal aborts. */
export async function holding(
  scope: HoldScope,
  holder: string,
  months: string[],
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { db, userId, storageId } = scope
  const controller = new AbortController()
  let renewal: Promise<void> = Promise.resolve()
  const renew = async () => {
    try {
      const kept = await holdMonths(db, userId, storageId, months, holder, holdMs)
      if (kept.length < months.length)
        controller.abort(new AshevilleError('unavailable', 'Another writer took over', { retryAfterMs: 1000 }))
    } catch {
      // The next one may succeed; if none does, the hold ends and the storage's own check of revisions is what is left.
    }
  }
  const timer = setInterval(() => (renewal = renew()), holdMs / 3)
  try {
    await work(AbortSignal.any([scope.signal, controller.signal]))
  } finally {
    clearInterval(timer)
    await renewal
    await releaseMonths(db, userId, storageId, holder, months).catch(() => undefined)
  }
}
