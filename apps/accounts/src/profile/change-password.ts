import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { mailPerson } from '../mail/mail-person.ts'
import { hashPassword } from '../passwords.ts'
import { lockPerson } from '../queries/users.ts'
import { endSessions } from '../sessions/end-sessions.ts'
import { removeSessions } from '../sessions/queries.ts'
import { confirmPerson } from './confirm-person.ts'
import { getProfile, setPassword } from './queries.ts'

export function handleChangePassword(context: Context): Handler<typeof accountsRoutes.changePassword> {
  const { db } = context
  return async ({ userId, body }) => {
    await confirmPerson(context, userId, body)
    const { email } = await getProfile(db, userId)
    if (email === null)
      throw new AshevilleError('conflict', 'Give an e-mail address first: it is what you sign in with beside the password')
    const hash = await hashPassword(body.password)
    await db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      await setPassword(tx, userId, hash)
      await removeSessions(tx, userId, { except: body.sessionId })
      await mailPerson(context, tx, userId, 'password-changed', ({ name, at }) => ({ name, at, link: `${context.webUrl}/forgot-password` }))
    })
    // With the old password went what it had opened; what was opened since, and what Redis knows, goes here.
    await endSessions(context, userId, { except: body.sessionId })
  }
}
