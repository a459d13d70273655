import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { comeBack } from '../connect/come-back.ts'
import { giveBack } from '../connect/give-back.ts'
import { saveConnection } from '../connect/save-connection.ts'
import type { Context } from '../context.ts'
import { mailPerson } from '../mail/mail-person.ts'
import { findByAccount } from '../queries/connections.ts'
import { lockPerson } from '../queries/users.ts'
import { linkOf } from '../sign-in/link-of.ts'
import { listIdentities, putIdentity } from './queries.ts'

export function handleFinishIdentity(context: Context): Handler<typeof accountsRoutes.finishIdentity> {
  const { db, webUrl } = context
  return async ({ body, userId, signal, log }) => {
    const { provider, sessionId, callback } = body
    const arrival = await comeBack(context, { userId, sessionId }, { purpose: 'identity', provider, callback, userId, signal })
    const link = linkOf(arrival)
    const { server, account } = link
    try {
      const id = await db.transaction(async (tx) => {
        await lockPerson(tx, userId)
        const { id, isNew } = await putIdentity(tx, userId, { provider, server, providerUserId: account.id, handle: account.handle })
        const existing = await findByAccount(tx, userId, { provider, server, accountId: account.id })
        if (existing && !existing.isRemoved) await saveConnection(context, tx, userId, link)
        const words = { account: `${arrival.name} (${account.handle})`, link: `${webUrl}/settings/identities` }
        if (isNew) await mailPerson(context, tx, userId, 'identity-added', ({ name, at }) => ({ name, at, ...words }))
        return id
      })
      const identity = (await listIdentities(db, userId)).find((each) => each.id === id)
      return { identity: identity! }
    } finally {
      // It is a way to sign in only, unless the storage is connected as well.
      await giveBack(context, link, log)
    }
  }
}
