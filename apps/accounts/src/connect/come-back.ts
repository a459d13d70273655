import { AshevilleError, type Account, type LoggedIn, type OAuthClient } from '@asheville/core'
import type { OAuthPurpose } from '@asheville/clients'
import { findAdapter, type Context } from '../context.ts'
import { getRegistration, retireRegistration } from '../queries/app-registrations.ts'
import { takeTransaction, type OAuthTransaction, type Sent } from '../queries/oauth-transactions.ts'
import { accountOf, refusedAtOnce } from './account-of.ts'
import { exchangeCode, UnknownClient } from './oauth-client.ts'
import { operatorsClient } from './provider-client.ts'
import { scopesOf } from './scopes-of.ts'
import type { OAuthLogin } from './send-away.ts'
import { withDeadline } from './with-deadline.ts'

type Found = NonNullable<ReturnType<typeof findAdapter>>

/** An account that was authorised and told us who it is. */
export interface Arrival {
  found: Found
  /** The title of the provider, or its server's name. */
  name: string
  transaction: OAuthTransaction
  account: Account
  signedIn: LoggedIn
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
  if (!found || !transaction?.endpoints) throw notOurs()
  const { endpoints } = transaction
  const name = transaction.server === null ? found.adapter.title : new URL(transaction.server).host
  if (callback['error'] !== undefined) throw declined(name, callback['error'])
  return withDeadline(name, signal, async (within) => {
    const { client, login } = await clientOf(context, found, transaction)
    const { redirectUri, verifier, server, fields, registrationId } = transaction
    const io = { http, variables, client, signal: within, now: () => new Date() }
    const granting = await exchangeCode({ name, endpoints, ...io }, { callback, redirectUri, verifier }).catch(async (error: unknown) => {
      if (error instanceof UnknownClient && registrationId !== null) await retireRegistration(db, registrationId)
      throw error
    })
    const exchange = login.kind === 'oauth2' ? login.exchange : undefined
    const tokens = exchange ? await exchange(granting.tokens, io).catch(refusedAtOnce(found.adapter.title)) : granting.tokens
    const signedIn = { tokens, server, fields }
    const account = await accountOf(context, found, userId, signedIn, within)
    const declined = declinedOf(found, scopesOf(login, variables), granting.scopes, account)
    return { found, name, transaction, signedIn, account: { ...account, declined } }
  })
}

/** What was not granted of what is asked for, or of what a stream needs though it is not asked for here; and what the account tells itself. */
function declinedOf(found: Found, asked: readonly string[], granted: readonly string[] | null, account: Account): string[] {
  const needed = found.kind === 'network' ? found.adapter.streams.flatMap(({ scopes = [] }) => scopes) : []
  const withheld = [...asked, ...needed].filter((scope) => !(granted ?? asked).includes(scope))
  return [...new Set([...withheld, ...account.declined])]
}

/** Whom the provider knows us as, and the login that this is. */
async function clientOf(
  { db, sealing, variables }: Context,
  { adapter }: Found,
  { registrationId }: OAuthTransaction,
): Promise<{ client: OAuthClient; login: OAuthLogin }> {
  if (registrationId === null) {
    const login = adapter.logins.find((each) => each.kind === 'oauth2')
    if (!login) throw notOurs()
    return { client: operatorsClient(adapter, login, variables), login }
  }
  const login = adapter.logins.find((each) => each.kind === 'oauth2-per-server')
  const registration = await getRegistration(db, registrationId, sealing)
  if (!registration || !login) throw notOurs()
  return { client: registration, login }
}

/** Forged, replayed, too old, of another session, person or provider: all the same to whoever tries. */
export function notOurs(): AshevilleError {
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
