import { AshevilleError, type Account, type Approval, type Fields, type LoggedIn, type Login } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Call, Handler, Reply } from '@asheville/service'
import { accountOf } from '../connect/account-of.ts'
import { chooseLogin } from '../connect/choose-login.ts'
import { connectAccount } from '../connect/connect-account.ts'
import { atFirstField, serverField } from '../connect/first-field.ts'
import { createRegistrar } from '../connect/provider-client.ts'
import { sendAway } from '../connect/send-away.ts'
import { withDeadline } from '../connect/with-deadline.ts'
import { findAdapter, type Context } from '../context.ts'
import { keepReply } from '../idempotency/keep-reply.ts'
import { getConnection } from '../queries/connections.ts'
import { addTransaction } from '../queries/oauth-transactions.ts'
import { randomToken } from '../tokens.ts'

type Route = typeof accountsRoutes.beginConnect
type Found = NonNullable<ReturnType<typeof findAdapter>>
type Asked = Pick<Call<Route>, 'userId' | 'body' | 'signal' | 'claim'>

const nothing: LoggedIn = { tokens: null, server: null, fields: {} }

export function handleBeginConnect(context: Context): Handler<Route> {
  const register = createRegistrar(context)
  return async (call) => {
    const { userId, body, claim } = call
    const found = findAdapter(context, body.provider)
    if (!found) throw new AshevilleError('invalid', 'There is no such network')
    const { title, logins } = found.adapter
    // A storage that needs no signing in, such as this server's disk.
    if (found.kind === 'storage' && logins.length === 0)
      return withDeadline(title, call.signal, async (signal) =>
        connect(context, call, nothing, await accountOf(context, found, userId, nothing, signal)),
      )
    const { login, fields } = chooseLogin(title, logins, body.fields)
    const { sessionId, reconnects, storageId = null } = body
    if (reconnects !== null) await checkReconnects(context, userId, reconnects, found)
    if (storageId !== null) await checkStorage(context, userId, storageId)
    const server = serverField(login)
    const isWritten = server !== undefined && fields[server.name] !== ''
    return withDeadline(
      title,
      call.signal,
      async (signal): Promise<Reply<Route>> => {
        if (login.kind === 'fields') return signIn(context, found, login, fields, { userId, body, signal, claim })
        const errand = { purpose: 'connect', reconnects, storageId, returnTo: null } as const
        return {
          next: 'authorize',
          url: await sendAway(context, register, { userId, sessionId }, { found, login, fields, errand, signal }),
        }
      },
      isWritten ? `/${server.name}` : null,
    )
  }
}

async function checkReconnects(context: Context, userId: string, connectionId: string, { adapter }: Found): Promise<void> {
  const { connection } = await getConnection(context.db, userId, connectionId)
  if (connection.provider !== adapter.id) throw new AshevilleError('conflict', `This connection is not one to ${adapter.title}`)
}

async function checkStorage(context: Context, userId: string, storageId: string): Promise<void> {
  const { connection } = await getConnection(context.db, userId, storageId)
  if (connection.kind !== 'storage') throw new AshevilleError('invalid', `${connection.title} is no storage`)
}

async function signIn(
  context: Context,
  found: Found,
  login: Extract<Login, { kind: 'fields' }>,
  fields: Fields,
  asked: Asked,
): Promise<Reply<Route>> {
  const { http, variables } = context
  const io = { http, variables, signal: asked.signal, now: () => new Date() }
  const approval = await atFirstField(login, login.approval?.begin(fields, io) ?? Promise.resolve(null))
  if (approval) return awaitApproval(context, fields, approval, asked)
  const signedIn = await atFirstField(login, login.signIn(fields, io))
  return connect(context, asked, signedIn, await atFirstField(login, accountOf(context, found, asked.userId, signedIn, asked.signal)))
}

/** The person's answer is asked for with `finishApproval`; the secret for that stays here. */
async function awaitApproval({ db, sealing }: Context, fields: Fields, { url, secret }: Approval, asked: Asked): Promise<Reply<Route>> {
  const { userId, body } = asked
  const { provider, sessionId, reconnects, storageId = null } = body
  const state = `approval.${randomToken()}`
  const errand = { purpose: 'connect', reconnects, storageId, returnTo: null } as const
  const pending = { provider, server: null, fields, endpoints: null, registrationId: null, redirectUri: url, verifier: secret }
  await db.transaction((tx) => addTransaction(tx, { userId, sessionId }, state, { ...errand, ...pending }, sealing))
  return { next: 'approve', url, approval: state }
}

async function connect(context: Context, { userId, body, claim }: Asked, signedIn: LoggedIn, account: Account): Promise<Reply<Route>> {
  const { provider, sessionId, reconnects, storageId = null } = body
  const link = { ...signedIn, provider, account, registrationId: null, endpoints: null, reconnects, storageId }
  const connection = await connectAccount(context, userId, sessionId, link, (tx, connected) =>
    keepReply(context, tx, claim, { next: 'connected', connection: connected }),
  )
  return { next: 'connected', connection }
}
