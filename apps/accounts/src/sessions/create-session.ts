import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { addressBlock } from '../address-block.ts'
import type { Context } from '../context.ts'
import { normalizeEmail } from '../email.ts'
import { hashPassword, isOutdated, verifyPassword } from '../passwords.ts'
import { replaceHash } from '../profile/queries.ts'
import { countAttempt, forgetAttempts, isRemembered, remember, uncountAttempt } from '../queries/throttles.ts'
import { findPassword } from '../queries/users.ts'
import { openSession } from './open-session.ts'

const windowMs = 15 * 60_000
/**
 * Of one person's password from one place; of all passwords from one place; of one password from anywhere but where that
 * person has signed in before, so that strangers cannot lock anybody out.
 */
const limits = { pair: 10, address: 100, email: 100 }
const placeMs = 90 * 24 * 3_600_000

export function handleCreateSession(context: Context): Handler<typeof accountsRoutes.createSession> {
  const { db } = context

  async function renewHash({ userId, hash }: { userId: string; hash: string }, password: string): Promise<void> {
    // When that cannot be done just now, the next sign-in does it.
    const fresh = await hashPassword(password).catch(() => null)
    if (fresh !== null) await replaceHash(db, userId, hash, fresh)
  }

  return async ({ body }) => {
    const email = normalizeEmail(body.email)
    const address = addressBlock(body.device.address)
    const keys = {
      pair: `sign-in pair ${email} ${address}`,
      address: `sign-in address ${address}`,
      email: `sign-in email ${email}`,
      place: `sign-in place ${email} ${address}`,
    }
    await countAttempt(db, { key: keys.pair, limit: limits.pair, windowMs })
    await countAttempt(db, { key: keys.address, limit: limits.address, windowMs })
    const isKnownPlace = await isRemembered(db, keys.place)
    if (!isKnownPlace) await countAttempt(db, { key: keys.email, limit: limits.email, windowMs })

    const known = await findPassword(db, email)
    const matches = await verifyPassword(known?.hash ?? null, body.password)
    if (!known || !matches) throw new AshevilleError('unauthenticated', 'The e-mail address or the password is wrong')

    await forgetAttempts(db, keys.pair)
    await uncountAttempt(db, keys.address)
    if (!isKnownPlace) await uncountAttempt(db, keys.email)
    await remember(db, keys.place, placeMs)
    if (isOutdated(known.hash)) await renewHash(known, body.password)
    return openSession(context, known.userId, body.device)
  }
}
