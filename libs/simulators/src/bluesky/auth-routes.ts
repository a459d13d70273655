import { createRateLimiter, fieldsOf } from '../kit/index.ts'
import type { Answer, Call, Handler } from '../kit/index.ts'
import { didDocument } from './identity.ts'
import type { Sessions } from './sessions.ts'
import type { RateLimit } from '../kit/index.ts'
import type { Account, World } from './world.ts'
import { authMissing, createXrpc, expired, revoked, unverified, xrpcError } from './xrpc.ts'

type Add = (method: string, pattern: string, handler: Handler) => void

/** `com.atproto.server.*`: sessions and what the server says of itself. */
export function addServerRoutes(
  add: Add,
  world: World,
  sessions: Sessions,
  options: { sessionLimit: RateLimit | null; handleDomain: string; now(): number },
): void {
  const query = createXrpc(add, sessions)
  const limiter = createRateLimiter(options.sessionLimit, options.now)
  const sessionBody = (account: Account, origin: string) => ({
    did: account.did,
    didDoc: didDocument(account, origin, account.repo.publicKey),
    handle: account.handle,
    email: account.email,
    emailConfirmed: true,
    active: account.status === 'active',
    ...(account.status === 'active' ? {} : { status: account.status }),
  })

  add('POST', '/xrpc/com.atproto.server.createSession', (call): Answer => {
    const { identifier, password } = fieldsOf(call)
    if (typeof identifier !== 'string' || typeof password !== 'string')
      return xrpcError(400, 'InvalidRequest', 'Error: Input must have the property "identifier"')
    const state = limiter.take(identifier)
    if (state?.exceeded) return { ...xrpcError(429, 'RateLimitExceeded', 'Rate Limit Exceeded'), quietForMs: state.resetAt - options.now() }
    const account = identifier.includes('@')
      ? world.accounts.find(({ email }) => email === identifier.toLowerCase())
      : world.accountBy(identifier)
    if (!account || ![account.password, account.appPassword].includes(password))
      return xrpcError(401, 'AuthenticationRequired', 'Invalid identifier or password')
    if (account.status === 'takendown') return xrpcError(401, 'AccountTakedown', 'Account has been taken down')
    return { json: { ...sessions.open(account.did), ...sessionBody(account, call.origin) } }
  })

  add('POST', '/xrpc/com.atproto.server.refreshSession', (call): Answer => {
    if (call.token === null) return authMissing
    const next = sessions.refresh(call.token)
    if (next === 'revoked') return revoked
    if (next === 'expired') return expired
    if (next === 'invalid') return unverified
    const account = world.accountBy(sessions.ownerOf(call.token) ?? '')
    if (!account || account.status === 'takendown') return xrpcError(401, 'AccountTakedown', 'Account has been taken down')
    return { json: { ...next, ...sessionBody(account, call.origin) } }
  })

  add('POST', '/xrpc/com.atproto.server.deleteSession', (call: Call): Answer => {
    if (call.token === null) return authMissing
    return sessions.close(call.token) ? { status: 200 } : unverified
  })

  query('com.atproto.server.getSession', ({ call, viewer }) => ({ json: sessionBody(world.accountBy(viewer!)!, call.origin) }), {
    auth: true,
  })
  query('com.atproto.server.describeServer', () => ({
    json: {
      did: 'did:web:localhost',
      availableUserDomains: [options.handleDomain],
      inviteCodeRequired: true,
      blobUploadLimit: 52_428_800,
      links: {},
      contact: {},
    },
  }))
}
