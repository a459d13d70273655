import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { queueMail } from '../mail/queue-mail.ts'
import { lockPerson } from '../queries/users.ts'
import { deadLink } from './dead-link.ts'
import { getProfile, setEmail, setVerified, takeLink } from './queries.ts'

export function handleVerifyEmail(context: Context): Handler<typeof accountsRoutes.verifyEmail> {
  return ({ body }) =>
    context.db.transaction(async (tx) => {
      const link = await takeLink(tx, body.linkToken, 'verify-email')
      if (!link || link.email === null) throw deadLink()
      const { userId, email } = link
      await lockPerson(tx, userId)
      const before = await getProfile(tx, userId)
      if (before.email === email) await setVerified(tx, userId, email)
      else {
        await setEmail(tx, userId, email, { isVerified: true })
        if (before.email !== null && before.isEmailVerified) {
          const { name, locale } = before
          await queueMail(context, tx, { userId, to: before.email, locale, kind: 'email-changed', values: { name, email } })
        }
      }
      return { email }
    })
}
