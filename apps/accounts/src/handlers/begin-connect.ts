import { AshevilleError, type Field, type Fields, type Login, type OAuthClient, type OAuthEndpoints } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import { asLoginFault } from '@asheville/http-client'
import type { Call, Handler, Reply } from '@asheville/service'
import { accountOf } from '../connect/account-of.ts'
import { chooseLogin } from '../connect/choose-login.ts'
import { authorizationUrl, randomVerifier } from '../connect/oauth-client.ts'
import { createRegistrar, operatorsClient, redirectUriOf, type Registrar } from '../connect/provider-client.ts'
import { saveConnection } from '../connect/save-connection.ts'
import { withDeadline } from '../connect/with-deadline.ts'
import { findAdapter, type Context } from '../context.ts'
import { getConnection } from '../queries/connections.ts'
import { addTransaction } from '../queries/oauth-transactions.ts'
import { isSessionOf } from '../sessions/queries.ts'
import { randomToken } from '../tokens.ts'

type Route = typeof accountsRoutes.beginConnect
type Found = NonNullable<ReturnType<typeof findAdapter>>

export function handleBeginConnect(context: Context): Handler<Route> {
  const register = createRegistrar(context)
  return async (call) => {
    const found = findAdapter(context, call.body.provider)
    if (!found) throw new AshevilleError('invalid', 'There is no such network')
    const { login, fields } = chooseLogin(found.adapter.title, found.adapter.logins, call.body.fields)
    if (call.body.reconnects !== null) await checkReconnects(context, call.userId, call.body.reconnects, found)
    const server = login.kind === 'oauth2' ? undefined : serverField(login)
    const isWritten = server !== undefined && fields[server.name] !== ''
    return withDeadline(
      found.adapter.title,
      call.signal,
      (signal) =>
        login.kind === 'fields'
          ? signIn(context, found, login, fields, { ...call, signal })
          : sendAway(context, register, found, login, fields, { ...call, signal }),
      isWritten ? `/${server.name}` : null,
    )
  }
}

async function checkReconnects(context: Context, userId: string, connectionId: string, { adapter }: Found): Promise<void> {
  const { connection } = await getConnection(context.db, userId, connectionId)
  if (connection.provider !== adapter.id) throw new AshevilleError('conflict', `This connection is not one to ${adapter.title}`)
}

async function signIn(
  context: Context,
  found: Found,
  login: Extract<Login, { kind: 'fields' }>,
  fields: Fields,
  call: Pick<Call<Route>, 'userId' | 'body' | 'signal'>,
): Promise<Reply<Route>> {
  const { http, variables } = context
  const signedIn = await atFirstField(login, login.signIn(fields, { http, variables, signal: call.signal, now: () => new Date() }))
  const account = await atFirstField(login, accountOf(context, found, call.userId, signedIn, call.signal))
  const { provider, reconnects } = call.body
  const link = { ...signedIn, provider, account, registrationId: null, endpoints: null, reconnects }
  const connection = await context.db.transaction((tx) => saveConnection(context, tx, call.userId, link))
  return { next: 'connected', connection }
}

async function sendAway(
  context: Context,
  register: Registrar,
  found: Found,
  login: Exclude<Login, { kind: 'fields' }>,
  fields: Fields,
  { userId, body, signal }: Pick<Call<Route>, 'userId' | 'body' | 'signal'>,
): Promise<Reply<Route>> {
  const { db, sealing, webUrl } = context
  const { provider, sessionId, reconnects } = body
  if (!(await isSessionOf(db, userId, sessionId))) throw new AshevilleError('forbidden', 'This session has ended. Sign in again')
  const redirectUri = redirectUriOf(webUrl, provider)
  const target = await targetOf(context, register, found, login, fields, redirectUri, signal)
  const state = randomToken()
  const verifier = target.endpoints.pkce ? randomVerifier() : null
  const { server, endpoints, registrationId } = target
  const transaction = { sessionId, provider, server, fields, endpoints, registrationId, redirectUri, verifier, reconnects }
  await db.transaction((tx) => addTransaction(tx, userId, state, transaction, sealing))
  const url = await authorizationUrl(target, { redirectUri, scopes: login.scopes, state, verifier })
  return { next: 'authorize', url }
}

interface Target {
  server: string | null
  endpoints: OAuthEndpoints
  client: OAuthClient
  registrationId: string | null
}

async function targetOf(
  { http, variables }: Context,
  register: Registrar,
  { adapter }: Found,
  login: Exclude<Login, { kind: 'fields' }>,
  fields: Fields,
  redirectUri: string,
  signal: AbortSignal,
): Promise<Target> {
  if (login.kind === 'oauth2') {
    return { server: null, endpoints: login.endpoints(variables), client: operatorsClient(adapter, login, variables), registrationId: null }
  }
  const io = { http, variables, signal, now: () => new Date() }
  const { server, endpoints } = await atFirstField(login, login.discover(fields[login.fields[0].name] ?? '', io))
  const client = await atFirstField(login, register(login, { provider: adapter.id, server, redirectUri }, io))
  return { server, endpoints, client, registrationId: client.id }
}

/** What says that a wrong server was written is shown at the field where it was, unless the adapter named another. */
async function atFirstField<T>(login: Exclude<Login, { kind: 'oauth2' }>, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const field = serverField(login) ?? login.fields[0]
    throw field ? asLoginFault(error, `/${field.name}`) : error
  }
}

/** Where a person writes which server it is. */
function serverField(login: Exclude<Login, { kind: 'oauth2' }>): Field | undefined {
  return login.kind === 'oauth2-per-server' ? login.fields[0] : login.fields.find(({ kind }) => kind === 'url')
}
