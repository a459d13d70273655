import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { isAppToken } from '@asheville/clients'
import type { Scope } from '@asheville/core'
import { startMailServer } from '@asheville/testkit/mail-server'
import { errorOf, kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'

let accounts: RunningAccounts
beforeAll(async () => {
  accounts = await startAccounts()
})
afterAll(() => accounts.close())

interface Wish {
  name?: string
  scopes?: Scope[]
  days?: 30 | 90 | 365 | null
  current?: string | null
}
const make = ({ user, session }: Person, { name = 'Reader', scopes = ['posts:read'], days = 30, current = 'correct horse' }: Wish = {}) =>
  accounts.web.createAppToken({ userId: user.id, body: { sessionId: session.id, current, name, scopes, days } })
const list = async ({ user }: Person) => (await accounts.web.listAppTokens({ userId: user.id })).tokens
const check = (appToken: string) => accounts.platform.checkAppToken({ body: { appToken } })
const revoke = ({ user }: Person, appTokenId: string) => accounts.web.revokeAppToken({ userId: user.id, params: { appTokenId } })

test('a token is told once, kept as a hash, and good for what was chosen', async () => {
  const person = await accounts.signUp()
  const { secret, token } = await make(person, { scopes: ['likes:read', 'posts:read', 'posts:read', 'posts:write'] })
  expect(isAppToken(secret)).toBe(true)
  expect(token).toMatchObject({
    name: 'Reader',
    begins: secret.slice(0, 12),
    scopes: ['likes:read', 'posts:read', 'posts:write'],
    lastUsedAt: null,
  })
  const days = (Date.parse(token.expiresAt!) - Date.parse(token.createdAt)) / 86_400_000
  expect(days).toBeCloseTo(30, 1)
  expect(await list(person)).toEqual([token])

  const { id, name, scopes, expiresAt } = token
  expect(await check(secret)).toEqual({ id, userId: person.user.id, name, scopes, expiresAt })
  const [row] = await accounts.db.query('SELECT t::text FROM app_tokens t WHERE user_id = $1', [person.user.id])
  expect(JSON.stringify(row)).not.toContain(secret.slice(12))
  expect(accounts.lines.join('')).not.toContain(secret.slice(12))
})

test('a use is written down, once a minute at most', async () => {
  const person = await accounts.signUp()
  const { secret } = await make(person)
  const used = async () => (await list(person))[0]!.lastUsedAt
  await check(secret)
  const first = await used()
  expect(first).not.toBeNull()
  await check(secret)
  expect(await used()).toBe(first)
  await accounts.db.query("UPDATE app_tokens SET last_used_at = last_used_at - interval '61 seconds' WHERE user_id = $1", [person.user.id])
  await check(secret)
  expect(Date.parse((await used())!)).toBeGreaterThan(Date.parse(first!))
})

test('what was taken back, has ended or never was opens nothing, and cannot be told apart', async () => {
  const person = await accounts.signUp()
  const [taken, ended, endless] = [
    await make(person, { name: 'taken' }),
    await make(person, { name: 'ended' }),
    await make(person, { name: 'endless', days: null }),
  ]
  await revoke(person, taken.token.id)
  await accounts.db.query("UPDATE app_tokens SET expires_at = now() WHERE user_id = $1 AND name = 'ended'", [person.user.id])
  const never = (await make(await accounts.signUp())).secret.replace(/.$/, (sign) => (sign === 'a' ? 'b' : 'a'))
  const refusals = await Promise.all([taken.secret, ended.secret, never, 'nothing'].map((secret) => errorOf(check(secret))))
  expect(new Set(refusals.map(({ kind, message }) => `${kind} ${message}`)).size).toBe(1)
  expect(refusals[0]!.kind).toBe('unauthenticated')
  expect(endless.token.expiresAt).toBeNull()
  expect(await check(endless.secret)).toMatchObject({ name: 'endless' })
  expect((await list(person)).map(({ name }) => name)).toEqual(['endless', 'ended'])
})

test('only the person makes one: by their password, with a name of its own and something that it may', async () => {
  const person = await accounts.signUp()
  expect(await errorOf(make(person, { current: 'wrong' }))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/current' }] })
  expect(await errorOf(make(person, { scopes: [] }))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/scopes' }] })
  expect(await errorOf(make(person, { scopes: ['posts:eat' as Scope] }))).toMatchObject({ kind: 'invalid' })
  expect(await errorOf(make(person, { name: ' ' }))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/name' }] })
  await make(person)
  expect(await errorOf(make(person, { name: ' Reader ' }))).toMatchObject({ kind: 'conflict', faults: [{ pointer: '/name' }] })
  expect(await kindThrown(make(await accounts.signUp()))).toBe('none')
  const stranger = await accounts.signUp()
  expect(await kindThrown(make({ ...person, session: stranger.session }, { name: 'other' }))).toBe('not-found')
  expect(await kindThrown(revoke(stranger, (await list(person))[0]!.id))).toBe('not-found')
  for (const client of [accounts.web, accounts.workers, accounts.conductor])
    expect(await kindThrown(client.checkAppToken({ body: { appToken: 'x' } }))).toBe('forbidden')
})

test('fifty at most', async () => {
  const person = await accounts.signUp()
  await accounts.db.query(
    `INSERT INTO app_tokens (user_id, id, token_hash, name, begins, scopes)
     SELECT $1::uuid, gen_random_uuid(), decode(md5(n::text || $1::uuid), 'hex'), 'token ' || n, 'ash_pat_', '{posts:read}' FROM generate_series(1, 50) n`,
    [person.user.id],
  )
  expect(await kindThrown(make(person))).toBe('conflict')
})

test('closing the account takes them all back, and an export names them without what opens', async () => {
  const person = await accounts.signUp()
  const { secret } = await make(person)
  const response = await accounts.web.exportPerson({ userId: person.user.id })
  const text = await response.text()
  expect(text).toContain('"Reader"')
  expect(text).not.toContain(secret.slice(12))
  const body = { current: 'correct horse', sessionId: person.session.id, linkToken: 'x'.repeat(40), removesFiles: false }
  await accounts.web.closeAccount({ userId: person.user.id, body })
  expect(await kindThrown(check(secret))).toBe('unauthenticated')
  expect(await kindThrown(make(person, { name: 'late' }))).not.toBe('none')
})

test('the person is told by mail', async () => {
  const mail = await startMailServer()
  const sending = await startAccounts({ mail: { url: mail.url, from: 'asheville@example.org' } })
  try {
    const { user, session } = await sending.signUp('ann@example.org')
    await sending.db.query('UPDATE users SET email_verified_at = now() WHERE id = $1', [user.id])
    const body = { sessionId: session.id, current: 'correct horse', name: 'Feed reader', scopes: ['posts:read' as const], days: null }
    await sending.web.createAppToken({ userId: user.id, body })
    const { text } = await mail.mailTo('ann@example.org', /A program/)
    expect(text).toContain('“Feed reader”')
  } finally {
    await sending.close()
    await mail.close()
  }
})
