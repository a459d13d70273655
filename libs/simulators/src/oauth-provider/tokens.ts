import { createHash, randomBytes } from 'node:crypto'
import { basicOf, fieldsOf } from '../kit/index.ts'
import type { Answer, Call } from '../kit/index.ts'
import type { Code, Settings } from './authorization.ts'
import type { Grant, OAuthClientRecord, OAuthCounts } from './types.ts'

type Parts = {
  clients: Map<string, OAuthClientRecord>
  counts: OAuthCounts
  settings: Settings
  codes: Map<string, Code>
}

const secret = () => randomBytes(24).toString('base64url')
const fail = (error: string, status = 400): Answer => ({ status, json: { error }, headers: { 'cache-control': 'no-store' } })

/** Who showed themselves in the header hears in it what was expected there (RFC 6749 §5.2). */
function unknownClient(call: Call): Answer {
  const answer = fail('invalid_client', 401)
  return basicOf(call) ? { ...answer, headers: { ...answer.headers, 'www-authenticate': 'Basic realm="applications"' } } : answer
}

/** The token, revocation and registration endpoints, and those of its own. */
export function createTokens({ clients, counts, settings, codes }: Parts) {
  const grants: Grant[] = []
  const grantOfCode = new Map<string, Grant>()
  /** Refresh tokens that were exchanged for others. */
  const spent = new Map<string, Grant>()

  function clientOf(call: Call, fields: Record<string, unknown>): OAuthClientRecord | null {
    const basic = basicOf(call)
    const [id, given] = basic ?? [String(fields.client_id ?? ''), fields.client_secret === undefined ? null : String(fields.client_secret)]
    const client = clients.get(id)
    if (!client || client.clientSecret !== given) return null
    const isElsewhere = given !== null && settings.secretIn !== 'any' && (settings.secretIn === 'header') !== (basic !== null)
    return isElsewhere ? null : client
  }

  function token(call: Call): Answer {
    const fields = fieldsOf(call)
    const client = clientOf(call, fields)
    if (!client) return unknownClient(call)
    if (fields.grant_type === 'authorization_code') return exchange(fields, client)
    if (fields.grant_type === 'refresh_token') return refresh(fields, client)
    return fail('unsupported_grant_type')
  }

  function exchange(fields: Record<string, unknown>, client: OAuthClientRecord): Answer {
    counts.exchanges += 1
    const given = String(fields.code ?? '')
    const code = codes.get(given)
    if (code?.isUsed) {
      counts.codeReuses += 1
      const grant = grantOfCode.get(given)
      if (grant) grant.isRevoked = true
      return fail('invalid_grant')
    }
    if (!code || code.clientId !== client.clientId || code.expiresAt <= settings.now()) return fail('invalid_grant')
    if (code.redirectUri !== fields.redirect_uri) {
      counts.wrongRedirects += 1
      return fail('invalid_grant')
    }
    if (!isVerified(code, fields.code_verifier)) return fail('invalid_grant')
    code.isUsed = true
    const grant: Grant = {
      account: code.account,
      clientId: client.clientId,
      accessToken: secret(),
      refreshToken: secret(),
      expiresAt: endOf(settings.lifetimeSeconds),
      isRevoked: false,
    }
    grants.push(grant)
    grantOfCode.set(given, grant)
    const answer = answerOf(grant)
    // RFC 6749 §5.1: it may go unsaid where it is what was asked for.
    return code.scopes.length === code.asked.length
      ? answer
      : { ...answer, json: { ...(answer.json as object), scope: code.scopes.join(' ') } }
  }

  function isVerified({ challenge }: Code, verifier: unknown): boolean {
    if (settings.pkce === 'ignored') return true
    if (challenge === null) {
      if (verifier !== undefined) counts.downgrades += 1
      return verifier === undefined
    }
    const text = typeof verifier === 'string' ? verifier : ''
    const derived = challenge.method === 'plain' ? text : createHash('sha256').update(text).digest('base64url')
    if (derived !== challenge.value) counts.wrongVerifiers += 1
    return derived === challenge.value
  }

  function refresh(fields: Record<string, unknown>, client: OAuthClientRecord): Answer {
    counts.refreshes += 1
    const given = String(fields.refresh_token ?? '')
    const reused = spent.get(given)
    if (reused) {
      counts.refreshReuses += 1
      reused.isRevoked = true
    }
    const grant = grants.find((each) => each.refreshToken === given && !each.isRevoked && each.clientId === client.clientId)
    if (!grant) return fail('invalid_grant')
    spent.set(given, grant)
    grant.accessToken = secret()
    grant.refreshToken = secret()
    grant.expiresAt = endOf(settings.lifetimeSeconds)
    return answerOf(grant)
  }

  const endOf = (seconds: number | null) => (seconds === null ? null : settings.now() + seconds * 1000)

  function answerOf({ accessToken, refreshToken }: Grant, seconds = settings.lifetimeSeconds): Answer {
    return {
      json: {
        access_token: accessToken,
        token_type: 'Bearer',
        ...(seconds !== null && { expires_in: seconds }),
        ...(settings.hasRefresh && { refresh_token: refreshToken }),
      },
      headers: { 'cache-control': 'no-store' },
    }
  }

  /** Facebook's way to a token that lasts: the old one goes on until its end, of which nothing is kept here. */
  function trade(call: Call): Answer {
    const fields = fieldsOf(call)
    const client = clientOf(call, fields)
    if (!client) return unknownClient(call)
    counts.trades += 1
    const grant = findGood(String(fields.access_token ?? ''))
    if (!grant || grant.clientId !== client.clientId) {
      counts.refusedTrades += 1
      return fail('invalid_token')
    }
    grant.accessToken = secret()
    grant.expiresAt = endOf(settings.exchangedSeconds)
    return answerOf(grant, settings.exchangedSeconds)
  }

  /** Null when the token opens nothing. */
  function disconnect({ token }: Call): Answer | null {
    const found = findGood(token)
    if (!found) return null
    counts.disconnects += 1
    for (const grant of grants) if (grant.account === found.account && grant.clientId === found.clientId) grant.isRevoked = true
    return { status: 200, json: {} }
  }

  function find(accessToken: string): Grant | null {
    return grants.find((each) => each.accessToken === accessToken) ?? null
  }

  /** The grant of a token that opens the account now. */
  function findGood(accessToken: string | null): Grant | null {
    const grant = accessToken === null ? null : find(accessToken)
    return grant && !grant.isRevoked && (grant.expiresAt === null || grant.expiresAt > settings.now()) ? grant : null
  }

  function revoke(call: Call): Answer {
    const fields = fieldsOf(call)
    const client = clientOf(call, fields)
    if (!client) return unknownClient(call)
    counts.revocations += 1
    for (const grant of grants)
      if (grant.clientId === client.clientId && (grant.refreshToken === fields.token || grant.accessToken === fields.token))
        grant.isRevoked = true
    return { status: 200 }
  }

  function register(call: Call): Answer {
    if (!settings.registration) return { status: 403, json: { error: 'access_denied' } }
    const fields = fieldsOf(call)
    const redirectUris = Array.isArray(fields.redirect_uris) ? fields.redirect_uris.map(String) : []
    if (redirectUris.length === 0) return fail('invalid_redirect_uri')
    counts.registrations += 1
    const client = { clientId: secret(), clientSecret: secret(), redirectUris }
    clients.set(client.clientId, client)
    return { status: 201, json: { client_id: client.clientId, client_secret: client.clientSecret, redirect_uris: redirectUris } }
  }

  return {
    grants,
    token,
    revoke,
    register,
    trade,
    disconnect,
    find,
    findGood,
  }
}
