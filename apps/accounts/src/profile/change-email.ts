import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import { asPerson } from '@asheville/database'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { normalizeEmail } from '../email.ts'
import { queueMail } from '../mail/queue-mail.ts'
import { countAttempt } from '../queries/throttles.ts'
import { lockPerson } from '../queries/users.ts'
import { confirmPerson } from './confirm-person.ts'
import { findByEmail, getProfile, setEmail } from './queries.ts'
import { sendVerificationLink } from './send-verification-link.ts'

const hour = 3_600_000

export function handleChangeEmail(context: Context): Handler<typeof accountsRoutes.changeEmail> {
  const { db, sendsMail, webUrl } = context
  return async ({ userId, body }) => {
    await confirmPerson(context, userId, body)
    const email = normalizeEmail(body.email)
    const { name, locale, email: before } = await getProfile(db, userId)
    if (email === before) throw sameAddress()
    if (!sendsMail) {
      await db.transaction(async (tx) => {
        await lockPerson(tx, userId)
        await setEmail(tx, userId, email, { isVerified: false })
      })
      return { outcome: 'changed' }
    }
    // Strangers get these mails: few, whoever asks for them.
    await countAttempt(db, { key: `change-email ${userId}`, limit: 5, windowMs: hour })
    await countAttempt(db, { key: `change-email to ${email}`, limit: 5, windowMs: hour })
    await db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      const owner = await findByEmail(tx, email)
      if (!owner) return sendVerificationLink(context, tx, { id: userId, name, locale }, email)
      const values = { name: owner.name, link: `${webUrl}/sign-in` }
      const mail = { userId: owner.userId, to: email, locale: owner.locale, kind: 'email-in-use', values } as const
      await asPerson(owner.userId, () => queueMail(context, tx, mail))
    })
    return { outcome: 'sent' }
  }
}

function sameAddress(): AshevilleError {
  const message = 'This is your address already'
  return new AshevilleError('invalid', message, { faults: [{ pointer: '/email', message }] })
}
