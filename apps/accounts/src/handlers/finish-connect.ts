import { AshevilleError, type OAuthClient } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { accountOf } from '../connect/account-of.ts'
import { exchangeCode, UnknownClient } from '../connect/oauth-client.ts'
import { operatorsClient } from '../connect/provider-client.ts'
import { saveConnection } from '../connect/save-connection.ts'
import { withDeadline } from '../connect/with-deadline.ts'
import { findAdapter, type Context } from '../context.ts'
import { getRegistration, retireRegistration } from '../queries/app-registrations.ts'
import { takeTransaction, type OAuthTransaction } from '../queries/oauth-transactions.ts'

type Found = NonNullable<ReturnType<typeof findAdapter>>

export function handleFinishConnect(context: Context): Handler<typeof accountsRoutes.finishConnect> {
  const { db, http, sealing } = context
  return async ({ body, userId, signal }) => {
    const { provider, sessionId, callback } = body
    const found = findAdapter(context, provider)
    const { state } = callback
    const transaction = state === undefined ? null : await takeTransaction(db, userId, { state, sessionId, provider }, sealing)
    if (!found || !transaction) throw notOurs()
    const { title } = found.adapter
    const name = transaction.server === null ? title : new URL(transaction.server).host
    if (callback['error'] !== undefined) throw declined(name, callback['error'])

    const connection = await withDeadline(name, signal, async (within) => {
      const client = await clientOf(context, found, transaction)
      const { endpoints, redirectUri, verifier, server, fields, registrationId, reconnects } = transaction
      const oauthServer = { name, endpoints, client, http, signal: within, now: () => new Date() }
      const tokens = await exchangeCode(oauthServer, { callback, redirectUri, verifier }).catch(async (error: unknown) => {
        if (error instanceof UnknownClient && registrationId !== null) await retireRegistration(db, registrationId)
        throw error
      })
      const account = await accountOf(context, found, userId, { tokens, server, fields }, within)
      const link = { tokens, server, fields, provider, account, registrationId, endpoints, reconnects }
      return db.transaction((tx) => saveConnection(context, tx, userId, link))
    })
    return { connection }
  }
}

async function clientOf(
  { db, sealing, variables }: Context,
  { adapter }: Found,
  { registrationId }: OAuthTransaction,
): Promise<OAuthClient> {
  if (registrationId !== null) {
    const registration = await getRegistration(db, registrationId, sealing)
    if (!registration) throw notOurs()
    return registration
  }
  const login = adapter.logins.find((each) => each.kind === 'oauth2')
  if (!login) throw notOurs()
  return operatorsClient(adapter, login, variables)
}

/** Forged, replayed, too old, of another session, person or provider: all the same to whoever tries. */
function notOurs(): AshevilleError {
  return new AshevilleError(
    'forbidden',
    'This answer does not belong to a connection that you began here in the last ten minutes. Connect again',
  )
}

/** RFC 6749 §4.1.2.1. */
function declined(name: string, code: string): AshevilleError {
  if (code === 'access_denied') return new AshevilleError('invalid', `You did not allow access at ${name}, so nothing was connected`)
  if (code === 'server_error' || code === 'temporarily_unavailable') {
    return new AshevilleError('unavailable', `${name} has a problem. Try again later`)
  }
  return new AshevilleError('invalid', `${name} refused: ${code.slice(0, 60)}`)
}
