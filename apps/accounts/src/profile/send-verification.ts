import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { countAttempt } from '../queries/throttles.ts'
import { getProfile } from './queries.ts'
import { sendVerificationLink } from './send-verification-link.ts'

const hour = 3_600_000

export function handleSendVerification(context: Context): Handler<typeof accountsRoutes.sendVerification> {
  const { db, sendsMail } = context
  return async ({ userId }) => {
    const { name, locale, email, isEmailVerified } = await getProfile(db, userId)
    if (!sendsMail || email === null || isEmailVerified) throw new AshevilleError('conflict', 'There is nothing to verify')
    await countAttempt(db, { key: `verification ${userId}`, limit: 5, windowMs: hour })
    await db.transaction((tx) => sendVerificationLink(context, tx, { id: userId, name, locale }, email))
  }
}
