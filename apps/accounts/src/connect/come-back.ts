import { AshevilleError, type Account, type Login, type OAuthClient } from '@asheville/core'
import type { OAuthPurpose } from '@asheville/clients'
import { findAdapter, type Context } from '../context.ts'
import { getRegistration, retireRegistration } from '../queries/app-registrations.ts'
import { takeTransaction, type OAuthTransaction, type Sent } from '../queries/oauth-transactions.ts'
import { accountOf, refusedAtOnce, type SignedIn } from './account-of.ts'
import { exchangeCode, UnknownClient } from './oauth-client.ts'
import { operatorsClient } from './provider-client.ts'
import { withDeadline } from './with-deadline.ts'

type Found = NonNullable<ReturnType<typeof findAdapter>>

/** An account that was authorised and told us who it is. */
export interface Arrival {
  found: Found
  /** The title of the provider, or its server's name. */
  name: string
  transaction: OAuthTransaction
  account: Account
  signedIn: SignedIn
}

/**
 * A browser came back from an authorisation server: its transaction is taken, the code exchanged, the account asked who it
 * is. `userId` is whose the account will be. Errors: `forbidden` for what was not begun by whom it comes from, in the last ten
 * minutes, for this purpose and provider, or did not come from the server that was asked; `invalid` when access was not
 * allowed or the code is not accepted; `unavailable`.
 */
export async function comeBack(
  context: Context,
  sent: Sent,
  back: { purpose: OAuthPurpose; provider: string; callback: Readonly<Record<string, string>>; userId: string; signal: AbortSignal },
): Promise<Arrival> {
  const { db, http, sealing, variables } = context
  const { purpose, provider, callback, userId, signal } = back
  const found = findAdapter(context, provider)
  const { state } = callback
  const transaction = state === undefined ? null : await takeTransaction(db, sent, { state, purpose, provider }, sealing)
  if (!found || !transaction) throw notOurs()
  const name = transaction.server === null ? found.adapter.title : new URL(transaction.server).host
  if (callback['error'] !== undefined) throw declined(name, callback['error'])
  return withDeadline(name, signal, async (within) => {
    const { client, login } = await clientOf(context, found, transaction)
    const { endpoints, redirectUri, verifier, server, fields, registrationId } = transaction
    const io = { http, variables, client, signal: within, now: () => new Date() }
    const brought = await exchangeCode({ name, endpoints, ...io }, { callback, redirectUri, verifier }).catch(async (error: unknown) => {
      if (error instanceof UnknownClient && registrationId !== null) await retireRegistration(db, registrationId)
      throw error
    })
    const tokens = login?.exchange ? await login.exchange(brought, io).catch(refusedAtOnce(found.adapter.title)) : brought
    const signedIn = { tokens, server, fields }
    return { found, name, transaction, signedIn, account: await accountOf(context, found, userId, signedIn, within) }
  })
}

/** Whom the provider knows us as; `login` where that is the app that the operator registered. */
async function clientOf(
  { db, sealing, variables }: Context,
  { adapter }: Found,
  { registrationId }: OAuthTransaction,
): Promise<{ client: OAuthClient; login: Extract<Login, { kind: 'oauth2' }> | null }> {
  if (registrationId !== null) {
    const registration = await getRegistration(db, registrationId, sealing)
    if (!registration) throw notOurs()
    return { client: registration, login: null }
  }
  const login = adapter.logins.find((each) => each.kind === 'oauth2')
  if (!login) throw notOurs()
  return { client: operatorsClient(adapter, login, variables), login }
}

/** Forged, replayed, too old, of another session, person or provider: all the same to whoever tries. */
function notOurs(): AshevilleError {
  return new AshevilleError('forbidden', 'This answer does not belong to anything that you began here in the last ten minutes. Begin again')
}

/** RFC 6749 §4.1.2.1. */
function declined(name: string, code: string): AshevilleError {
  if (code === 'access_denied') return new AshevilleError('invalid', `You did not allow access at ${name}, so nothing was connected`)
  if (code === 'server_error' || code === 'temporarily_unavailable') {
    return new AshevilleError('unavailable', `${name} has a problem. Try again later`)
  }
  return new AshevilleError('invalid', `${name} refused: ${code.slice(0, 60)}`)
}
