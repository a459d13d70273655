import { createHash, randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from '@jest/globals'
import { startOAuthProvider } from './index.ts'
import type { OAuthProviderOptions, OAuthProviderSimulator } from './index.ts'

const client = { clientId: 'asheville', clientSecret: 'a secret', redirectUris: ['https://own.example/callback'] }
let provider: OAuthProviderSimulator

afterEach(() => provider?.close())

async function start(options: OAuthProviderOptions = {}): Promise<void> {
  provider = await startOAuthProvider({ clients: [client], ...options })
}

function addressOf(changes: Record<string, string | null> = {}): { address: string; verifier: string } {
  const verifier = randomBytes(32).toString('base64url')
  const parameters = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: client.redirectUris[0]!,
    state: 'a state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...changes,
  }
  const url = new URL('/authorize', provider.url)
  for (const [name, value] of Object.entries(parameters)) if (value !== null) url.searchParams.set(name, value)
  return { address: url.href, verifier }
}

async function ask(path: string, form: Record<string, string>): Promise<{ status: number; body: Record<string, unknown> }> {
  const secrets = { client_id: client.clientId, client_secret: client.clientSecret }
  const answer = await fetch(`${provider.url}${path}`, { method: 'POST', body: new URLSearchParams({ ...secrets, ...form }) })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
}

const codeOf = (location: string) => new URL(location).searchParams.get('code') ?? ''
const exchange = (code: string, verifier: string | null) =>
  ask('/token', {
    grant_type: 'authorization_code',
    code,
    redirect_uri: client.redirectUris[0]!,
    ...(verifier !== null && { code_verifier: verifier }),
  })

describe('a provider as it should be', () => {
  test('code, tokens, account; refresh tokens rotate, and a spent one ends the grant', async () => {
    await start()
    const { address, verifier } = addressOf()
    const location = new URL(await provider.authorize(address, { account: 'bob' }))
    expect([location.searchParams.get('state'), location.searchParams.get('iss')]).toEqual(['a state', provider.issuer])
    const { body } = await exchange(codeOf(location.href), verifier)
    const me = await fetch(`${provider.url}/account`, { headers: { authorization: `Bearer ${String(body.access_token)}` } })
    expect(await me.json()).toEqual({ id: 'bob-1', name: 'bob', email: 'bob@example.org' })

    const renewed = await ask('/token', { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) })
    expect(renewed.body.refresh_token).not.toBe(body.refresh_token)
    expect(provider.isAccepted(String(renewed.body.access_token))).toBe(true)
    const again = await ask('/token', { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) })
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant'])
    expect(provider.isAccepted(String(renewed.body.access_token))).toBe(false)
    expect(provider.counts()).toMatchObject({ exchanges: 1, refreshes: 2, refreshReuses: 1 })
  })

  test('a code serves once; used again it ends what came of it', async () => {
    await start()
    const { address, verifier } = addressOf()
    const code = codeOf(await provider.authorize(address))
    const { body } = await exchange(code, verifier)
    expect((await exchange(code, verifier)).body.error).toBe('invalid_grant')
    expect(provider.isAccepted(String(body.access_token))).toBe(false)
    expect(provider.counts().codeReuses).toBe(1)
  })

  test('another redirect URI, client, verifier, or none, is refused', async () => {
    await start()
    await expect(provider.authorize(addressOf({ redirect_uri: 'https://own.example/other' }).address)).rejects.toThrow('redirect URI')
    await expect(provider.authorize(addressOf({ client_id: 'other' }).address)).rejects.toThrow('not known')
    const { address } = addressOf()
    expect((await exchange(codeOf(await provider.authorize(address)), 'another verifier')).status).toBe(400)
    expect((await exchange(codeOf(await provider.authorize(address)), null)).status).toBe(400)
    const without = addressOf({ code_challenge: null, code_challenge_method: null })
    expect(new URL(await provider.authorize(without.address)).searchParams.get('error')).toBe('invalid_request')
    expect(provider.counts()).toMatchObject({ wrongRedirects: 1, wrongVerifiers: 2, withoutChallenge: 1 })
  })

  test('revoked is revoked; who is denied comes back without a code', async () => {
    await start()
    const { address, verifier } = addressOf()
    const { body } = await exchange(codeOf(await provider.authorize(address)), verifier)
    expect((await ask('/revoke', { token: String(body.refresh_token) })).status).toBe(200)
    expect(provider.isAccepted(String(body.access_token))).toBe(false)
    const denied = new URL(await provider.authorize(address, { deny: true }))
    expect([denied.searchParams.get('error'), denied.searchParams.has('code')]).toEqual(['access_denied', false])
  })
})

test('scopes that were held back are said with the tokens; where all were allowed, nothing is', async () => {
  await start()
  const granted = async (decline: string[]) => {
    const { address, verifier } = addressOf({ scope: 'read write' })
    return (await exchange(codeOf(await provider.authorize(address, { decline })), verifier)).body.scope
  }
  expect([await granted(['write']), await granted([])]).toEqual(['read', undefined])
})

describe('a provider with ways of its own', () => {
  const basic = (secret: string) => ({ authorization: `Basic ${Buffer.from(`${client.clientId}:${secret}`).toString('base64')}` })

  test('takes a secret only where it wants it, form-encoded in the header', async () => {
    await start({ secretIn: 'header', pkce: 'ignored' })
    const form = { grant_type: 'authorization_code', redirect_uri: client.redirectUris[0]! }
    const exchangeWith = async (headers: Record<string, string>, more: Record<string, string> = {}) => {
      const code = codeOf(await provider.authorize(addressOf().address))
      const body = new URLSearchParams({ ...form, code, ...more })
      return fetch(`${provider.url}/token`, { method: 'POST', headers, body })
    }
    expect((await exchangeWith({}, { client_id: client.clientId, client_secret: client.clientSecret })).status).toBe(401)
    const refused = await exchangeWith(basic('another'))
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="applications"'])
    expect((await exchangeWith(basic('a+secret'))).status).toBe(200)
  })

  test('trades an access token that is good for a longer one, and ends everything for who shows one', async () => {
    let now = Date.now()
    await start({ refreshTokens: false, lifetimeSeconds: 60, exchangedSeconds: 600, disconnect: true, now: () => now })
    const { address, verifier } = addressOf()
    const { body } = await exchange(codeOf(await provider.authorize(address)), verifier)
    expect(body).not.toHaveProperty('refresh_token')
    const traded = await ask('/exchange', { access_token: String(body.access_token) })
    expect(traded.body).toMatchObject({ expires_in: 600 })
    now += 61_000
    expect(provider.isAccepted(String(traded.body.access_token))).toBe(true)
    now += 600_000
    expect((await ask('/exchange', { access_token: String(traded.body.access_token) })).status).toBe(400)
    expect(provider.counts()).toMatchObject({ trades: 2, refusedTrades: 1 })

    const again = addressOf()
    const second = await exchange(codeOf(await provider.authorize(again.address)), again.verifier)
    const disconnect = (token: unknown) =>
      fetch(`${provider.url}/disconnect`, { method: 'POST', headers: { authorization: `Bearer ${String(token)}` } })
    expect((await disconnect('made up')).status).toBe(401)
    expect((await disconnect(second.body.access_token)).status).toBe(200)
    expect(provider.grants().every(({ isRevoked }) => isRevoked)).toBe(true)
  })
})

describe('lies', () => {
  test('each spoils one authorisation', async () => {
    await start({ pkce: 'optional' })
    const backFrom = async () => new URL(await provider.authorize(addressOf().address)).searchParams
    provider.lie({ kind: 'wrong-state' })
    expect((await backFrom()).get('state')).not.toBe('a state')
    provider.lie({ kind: 'no-state' })
    expect((await backFrom()).has('state')).toBe(false)
    provider.lie({ kind: 'wrong-issuer', issuer: 'https://evil.example' })
    expect((await backFrom()).get('iss')).toBe('https://evil.example')
    provider.lie({ kind: 'injected-code', code: 'theirs' })
    expect((await backFrom()).get('code')).toBe('theirs')
    expect((await backFrom()).get('state')).toBe('a state')
  })

  test('a challenge that was cut out, or made plain, on its way is found at the exchange', async () => {
    await start({ pkce: 'optional' })
    provider.lie({ kind: 'challenge-lost' })
    const lost = addressOf()
    expect((await exchange(codeOf(await provider.authorize(lost.address)), lost.verifier)).body.error).toBe('invalid_grant')
    provider.lie({ kind: 'challenge-plain', verifier: 'of the attacker' })
    const plain = addressOf()
    expect((await exchange(codeOf(await provider.authorize(plain.address)), plain.verifier)).body.error).toBe('invalid_grant')
    expect(provider.counts()).toMatchObject({ downgrades: 1, plainChallenges: 1, wrongVerifiers: 1 })
  })
})
