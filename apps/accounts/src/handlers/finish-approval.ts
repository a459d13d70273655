import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { accountOf } from '../connect/account-of.ts'
import { notOurs } from '../connect/come-back.ts'
import { connectAccount } from '../connect/connect-account.ts'
import { atFirstField } from '../connect/first-field.ts'
import { withDeadline } from '../connect/with-deadline.ts'
import { findAdapter, type Context } from '../context.ts'
import { findTransaction, takeTransaction } from '../queries/oauth-transactions.ts'

/** Asks the person's server for their answer, which it tells once. Errors: `forbidden` for what was not begun here in the last ten minutes. */
export function handleFinishApproval(context: Context): Handler<typeof accountsRoutes.finishApproval> {
  return async ({ body, userId, signal }) => {
    const { db, http, sealing, variables } = context
    const { provider, sessionId, approval } = body
    const sent = { userId, sessionId }
    const asked = { state: approval, purpose: 'connect', provider } as const
    const found = findAdapter(context, provider)
    const login = found?.adapter.logins.find((each) => each.kind === 'fields')
    const pending = await findTransaction(db, sent, asked, sealing)
    if (!found || !login?.approval || !pending || pending.endpoints !== null || pending.verifier === null) throw notOurs()
    const { finish } = login.approval
    const { fields, redirectUri: url, verifier: secret, reconnects, storageId } = pending
    return withDeadline(found.adapter.title, signal, async (within) => {
      const io = { http, variables, signal: within, now: () => new Date() }
      const signedIn = await atFirstField(login, finish(secret, fields, io))
      if (signedIn === null) return { next: 'wait', url }
      if (!(await takeTransaction(db, sent, asked, sealing))) throw notOurs()
      const account = await atFirstField(login, accountOf(context, found, userId, signedIn, within))
      const link = { ...signedIn, provider, account, registrationId: null, endpoints: null, reconnects, storageId }
      return { next: 'connected', connection: await connectAccount(context, userId, sessionId, link) }
    })
  }
}
