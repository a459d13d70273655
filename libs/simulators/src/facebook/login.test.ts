import { afterEach, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import type { FacebookOptions, FacebookSimulator } from './index.ts'
import { startRaw } from './tests/raw-client.ts'

const open: FacebookSimulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})
async function start(options: FacebookOptions = {}) {
  const raw = await startRaw(options)
  open.push(raw.server)
  const { id, secret, redirectUris } = raw.server.app
  const address = (more: Record<string, string> = {}) => {
    const query = { client_id: id, redirect_uri: redirectUris[0]!, state: 'a&b', scope: 'user_posts,user_photos email', ...more }
    return `${raw.server.url}/v25.0/dialog/oauth?${new URLSearchParams(query)}`
  }
  const application = { client_id: id, client_secret: secret }
  const exchange = (location: string, more: Record<string, string> = {}) =>
    raw.post('/oauth/access_token', {
      ...application,
      redirect_uri: redirectUris[0]!,
      code: new URL(location).searchParams.get('code')!,
      ...more,
    })
  const lengthen = (token: string) =>
    raw.post('/oauth/access_token', { ...application, grant_type: 'fb_exchange_token', fb_exchange_token: token })
  return { ...raw, address, exchange, lengthen, application }
}

test('the dialog, the code, a short token and a long one for it', async () => {
  let time = Date.parse('2024-05-05T05:05:05Z')
  const { server, address, exchange, lengthen, get } = await start({ now: () => time })
  const page = await (await fetch(address())).text()
  expect(page).toContain('<form method="post" action="/v25.0/dialog/oauth">')
  expect(page).toContain('value="bob@mail.example"'.replace('bob', 'alice'))
  const location = await server.authorize(address(), { account: 'bob' })
  expect(location).toMatch(/#_=_$/)
  expect(new URL(location).searchParams.get('state')).toBe('a&b')
  const short = (await exchange(location)).body
  expect(short).toEqual({ access_token: expect.stringMatching(/^EAA\w{100,}$/), token_type: 'bearer', expires_in: 5400 })
  const token = short.access_token as string
  expect((await get('/me', { fields: 'name,email' }, token)).body).toEqual({
    name: 'Bob Brandt',
    email: 'bob@mail.example',
    id: server.account('bob').id,
  })
  const long = (await lengthen(token)).body
  expect(long.expires_in).toBe(5_183_944)
  time += 5_400_000
  expect((await get('/me', {}, token)).body.error).toMatchObject({ code: 190, error_subcode: 463, type: 'OAuthException' })
  expect((await lengthen(token)).body.error).toMatchObject({ code: 190, error_subcode: 463 })
  expect((await get('/me', {}, long.access_token as string)).status).toBe(200)
  // Younger than a day it gets no new time; older, it does.
  expect((await lengthen(long.access_token as string)).body.expires_in).toBe(5_183_944 - 5400)
  time += 86_400_000
  expect((await lengthen(long.access_token as string)).body.expires_in).toBe(5_183_944)
  expect(server.counters.snapshot().other).toEqual({ exchanges: 4 })
})

test('codes are used once, for ten minutes, by the app and for the address that they were made for', async () => {
  let time = Date.parse('2024-05-05T05:05:05Z')
  const { server, address, exchange, post, application } = await start({ now: () => time })
  const location = await server.authorize(address())
  const refused = async (more: Record<string, string>) => (await exchange(location, more)).body.error
  expect(await refused({ client_id: '1' })).toMatchObject({ code: 101 })
  expect(await refused({ client_secret: 'x' })).toMatchObject({ code: 1, message: 'Error validating client secret.' })
  expect(await refused({ code: 'x' })).toMatchObject({ code: 100, message: 'Invalid verification code format.' })
  expect(await refused({ redirect_uri: `${server.app.redirectUris[0]}/` })).toMatchObject({ code: 100, error_subcode: 36008 })
  expect(await refused({ grant_type: 'password' })).toMatchObject({ code: 1 })
  expect((await exchange(location)).status).toBe(200)
  expect(await refused({})).toMatchObject({ code: 100, error_subcode: 36009, message: 'This authorization code has been used.' })
  expect(server.counters.snapshot().other.codeReuse).toBe(1)
  const late = await server.authorize(address())
  time += 600_000
  expect((await exchange(late)).body.error).toMatchObject({ error_subcode: 36007 })
  expect((await post('/oauth/access_token', { ...application })).body.error).toMatchObject({ code: 191 })
})

test('the dialog says no to another app, another address and unknown permissions, and takes a denial back to the app', async () => {
  const { server, address } = await start()
  await expect(server.authorize(address({ client_id: '5' }))).rejects.toThrow('Invalid App ID')
  await expect(server.authorize(address({ redirect_uri: 'http://localhost:3000/cb/facebook?x=1' }))).rejects.toThrow('URL Blocked')
  await expect(server.authorize(address({ scope: 'user_posts,read_mailbox' }))).rejects.toThrow('Invalid Scopes: read_mailbox')
  const wrong = await fetch(address().split('?')[0]!, {
    method: 'POST',
    body: new URLSearchParams(`${new URL(address()).searchParams}&username=alice&password=no&decision=allow`),
  })
  expect([wrong.status, await wrong.text()]).toEqual([401, expect.stringContaining('role="alert"')])
  const denied = new URL(await server.authorize(address(), { deny: true }))
  expect(Object.fromEntries(denied.searchParams)).toEqual({
    error: 'access_denied',
    error_code: '200',
    error_description: 'Permissions error',
    error_reason: 'user_denied',
    state: 'a&b',
  })
})

test('what is unticked is declined, and asked for again only by a rerequest', async () => {
  const { server, address, exchange, get } = await start()
  server.removeApp()
  const sign = async (more: Record<string, string>, decline: string[] = []) => {
    const token = (await exchange(await server.authorize(address(more), { decline }))).body.access_token as string
    const { data } = (await get('/me/permissions', {}, token)).body
    return { token, given: Object.fromEntries(data.map((one) => [one.permission, one.status])) }
  }
  const { token, given } = await sign({}, ['user_photos', 'email'])
  expect(given).toEqual({ public_profile: 'granted', user_posts: 'granted', user_photos: 'declined', email: 'declined' })
  expect((await get('/me', { fields: 'email' }, token)).body).toEqual({ id: server.account().id })
  expect((await sign({})).given).toEqual(given)
  expect((await sign({ auth_type: 'rerequest', scope: 'user_photos' })).given).toMatchObject({ user_photos: 'granted', email: 'declined' })
  expect((await get('/me/permissions', {}, token)).body.data).toContainEqual({ permission: 'user_photos', status: 'granted' })
})

test('PKCE, where the app wants it', async () => {
  const { server, address, exchange } = await start()
  const verifier = 'v'.repeat(50)
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const location = await server.authorize(address({ code_challenge: challenge, code_challenge_method: 'S256' }))
  expect((await exchange(location)).body.error).toMatchObject({ code: 100 })
  expect((await exchange(location, { code_verifier: `${verifier}x` })).status).toBe(400)
  expect((await exchange(location, { code_verifier: verifier })).status).toBe(200)
})

test('permissions are taken back one by one or all, and then the tokens are worth nothing', async () => {
  const { server, get, ask, me, application } = await start()
  const short = server.issueToken({ short: true, permissions: ['user_posts', 'user_likes'] })
  expect((await ask('DELETE', `/${me}/permissions/user_likes`, {}, short)).body).toEqual({ success: true })
  expect((await get('/me/permissions', {}, short)).body.data).toContainEqual({ permission: 'user_likes', status: 'declined' })
  const debug = async () =>
    (await get('/debug_token', { input_token: short }, `${application.client_id}|${application.client_secret}`)).body.data
  expect(await debug()).toMatchObject({ app_id: server.app.id, is_valid: true, user_id: me, scopes: ['public_profile', 'user_posts'] })
  expect((await ask('DELETE', '/123/permissions', {}, short)).body.error).toMatchObject({ code: 100, error_subcode: 33 })
  expect((await ask('DELETE', '/me/permissions', {}, short)).body).toEqual({ success: true })
  expect((await get('/me', {}, short)).body.error).toMatchObject({ code: 190, error_subcode: 458 })
  expect(await debug()).toMatchObject({ is_valid: false, error: { code: 190, subcode: 458 }, scopes: [] })
  expect(server.counters.snapshot().other).toEqual({ revocations: 2, tokensInAddress: 2 })
})

test('a proof is checked where it is sent, and can be demanded; secrets in addresses are counted', async () => {
  const { server, token, get, application } = await start({ requireProof: true })
  expect((await get('/me')).body.error).toMatchObject({
    code: 100,
    type: 'GraphMethodException',
    message: 'API calls from the server require an appsecret_proof argument',
  })
  expect((await get('/me', { appsecret_proof: server.proofOf(`${token}x`) })).body.error).toMatchObject({
    message: 'Invalid appsecret_proof provided in the API argument',
  })
  expect((await get('/me', { appsecret_proof: server.proofOf(token) })).status).toBe(200)
  expect((await get('/me', { access_token: token, appsecret_proof: server.proofOf(token) }, null)).status).toBe(200)
  await get('/oauth/access_token', { ...application, grant_type: 'fb_exchange_token', fb_exchange_token: token }, null)
  expect(server.counters.snapshot().other).toEqual({ tokensInAddress: 2, secretsInAddress: 1, exchanges: 1 })
  expect(JSON.stringify(server.log.entries())).not.toContain(token)
})
