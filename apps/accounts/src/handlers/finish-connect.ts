import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { comeBack } from '../connect/come-back.ts'
import { connectAccount } from '../connect/connect-account.ts'
import type { Context } from '../context.ts'
import { keepReply } from '../idempotency/keep-reply.ts'

export function handleFinishConnect(context: Context): Handler<typeof accountsRoutes.finishConnect> {
  return async ({ body, userId, signal, claim }) => {
    const { provider, sessionId, callback } = body
    const arrival = await comeBack(context, { userId, sessionId }, { purpose: 'connect', provider, callback, userId, signal })
    const { account, signedIn, transaction } = arrival
    const { registrationId, endpoints, reconnects, storageId } = transaction
    const link = { ...signedIn, provider, account, registrationId, endpoints, reconnects, storageId }
    const connection = await connectAccount(context, userId, sessionId, link, (tx, connected) =>
      keepReply(context, tx, claim, { connection: connected }),
    )
    return { connection }
  }
}
