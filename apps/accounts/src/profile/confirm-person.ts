import { AshevilleError } from '@asheville/core'
import type { Context } from '../context.ts'
import { verifyPassword } from '../passwords.ts'
import { countAttempt, forgetAttempts } from '../queries/throttles.ts'
import { findHash, isNewSession } from './queries.ts'

/**
 * Makes sure that it is the person who acts, and not whoever found their browser open: by their password, or where they have
 * none by a sign-in of the last quarter of an hour. Errors: `invalid` with the pointer `/current`, `forbidden` when they
 * should sign in again, `rate-limited`, `not-found` for a session that is not theirs.
 */
export async function confirmPerson(
  { db }: Pick<Context, 'db'>,
  userId: string,
  { current, sessionId }: { current: string | null; sessionId: string },
): Promise<void> {
  const isNew = await isNewSession(db, userId, sessionId)
  if (isNew === null) throw new AshevilleError('not-found', 'There is no such session')
  const hash = await findHash(db, userId)
  if (hash === null) {
    if (!isNew) throw new AshevilleError('forbidden', 'You signed in some time ago. Sign out, sign in again, and do this then')
    return
  }
  if (current === null || current === '') throw wrong('Write your password')
  const key = `confirm ${userId}`
  await countAttempt(db, { key, limit: 10, windowMs: 15 * 60_000 })
  if (!(await verifyPassword(hash, current))) throw wrong('This is not your password')
  await forgetAttempts(db, key)
}

function wrong(message: string): AshevilleError {
  return new AshevilleError('invalid', message, { faults: [{ pointer: '/current', message }] })
}
