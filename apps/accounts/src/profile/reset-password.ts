import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { mailPerson } from '../mail/mail-person.ts'
import { hashPassword } from '../passwords.ts'
import { lockPerson } from '../queries/users.ts'
import { endSessions } from '../sessions/end-sessions.ts'
import { removeSessions } from '../sessions/queries.ts'
import { deadLink } from './dead-link.ts'
import { findLink, setPassword, setVerified, takeLink } from './queries.ts'

export function handleResetPassword(context: Context): Handler<typeof accountsRoutes.resetPassword> {
  const { db } = context
  return async ({ body }) => {
    const { linkToken, password } = body
    // A hash is dear: nobody gets one for a made-up link.
    if ((await findLink(db, linkToken, 'reset-password')) === null) throw deadLink()
    const hash = await hashPassword(password)
    const userId = await db.transaction(async (tx) => {
      const link = await takeLink(tx, linkToken, 'reset-password')
      if (!link) throw deadLink()
      await lockPerson(tx, link.userId)
      if (link.email !== null) await setVerified(tx, link.userId, link.email)
      await setPassword(tx, link.userId, hash)
      await removeSessions(tx, link.userId, {})
      await mailPerson(context, tx, link.userId, 'password-changed', ({ name, at }) => ({
        name,
        at,
        link: `${context.webUrl}/forgot-password`,
      }))
      return link.userId
    })
    // With the old password went what it had opened; what was opened since, and what Redis knows, goes here.
    await endSessions(context, userId)
  }
}
