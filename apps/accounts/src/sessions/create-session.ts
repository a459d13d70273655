import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { normalizeEmail } from '../email.ts'
import { verifyPassword } from '../passwords.ts'
import { countAttempt, forgetAttempts, uncountAttempt } from '../queries/throttles.ts'
import { findPassword } from '../queries/users.ts'
import { openSession } from './open-session.ts'

const windowMs = 15 * 60_000
/** Of one person's password from one place; of all passwords from one place; of one password from anywhere. */
const limits = { pair: 10, address: 100, email: 100 }

export function handleCreateSession(context: Context): Handler<typeof accountsRoutes.createSession> {
  const { db } = context
  return async ({ body }) => {
    const email = normalizeEmail(body.email)
    const { address, userAgent } = body.device
    const keys = { pair: `sign-in pair ${email} ${address}`, address: `sign-in address ${address}`, email: `sign-in email ${email}` }
    await countAttempt(db, { key: keys.pair, limit: limits.pair, windowMs })
    await countAttempt(db, { key: keys.address, limit: limits.address, windowMs })
    await countAttempt(db, { key: keys.email, limit: limits.email, windowMs })

    const known = await findPassword(db, email)
    const matches = await verifyPassword(known?.hash ?? null, body.password)
    if (!known || !matches) throw new AshevilleError('unauthenticated', 'The e-mail address or the password is wrong')

    await forgetAttempts(db, keys.pair)
    await uncountAttempt(db, keys.address)
    await uncountAttempt(db, keys.email)
    return openSession(context, known.userId, body.device)
  }
}
