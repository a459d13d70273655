import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { device, errorOf, kindThrown, startAccounts, type RunningAccounts } from './start-accounts.ts'

const person = (email: string) => ({ name: 'Alice', email, password: 'correct horse', locale: 'en' })

describe('the owner', () => {
  test('of many who come first at once, one becomes owner and the others are told', async () => {
    const accounts = await startAccounts({ isSignUpOpen: false })
    try {
      expect(await accounts.web.getSetup({})).toEqual({ hasOwner: false, signUpOpen: false, sendsMail: false })
      const emails = Array.from({ length: 5 }, (_, index) => `person${index}@example.org`)
      const kinds = await Promise.all(emails.map((email) => kindThrown(accounts.web.createUser({ body: person(email) }))))
      expect(kinds.sort()).toEqual(['forbidden', 'forbidden', 'forbidden', 'forbidden', 'none'])
      expect(await accounts.web.getSetup({})).toEqual({ hasOwner: true, signUpOpen: false, sendsMail: false })
      expect((await errorOf(accounts.web.createUser({ body: person('late@example.org') }))).message).toContain('Nobody else can sign up')
      expect((await accounts.web.getTotals({})).people).toBe(1)
    } finally {
      await accounts.close()
    }
  })
})

describe('people and sessions', () => {
  let accounts: RunningAccounts
  beforeAll(async () => {
    accounts = await startAccounts()
  })
  afterAll(() => accounts.close())
  const signIn = (email: string, password: string, address = '192.0.2.1') =>
    accounts.web.createSession({ body: { email, password, device: { ...device, address } } })

  test('sign up: a user with this server’s disk; the address is normalised and unique', async () => {
    const user = await accounts.web.createUser({ body: person('Bob@Example.org') })
    expect(user).toMatchObject({ email: 'bob@example.org', name: 'Alice' })
    const { connections } = await accounts.web.listConnections({ userId: user.id, query: {} })
    expect(connections).toMatchObject([{ kind: 'storage', provider: 'local', accountId: user.id, state: 'active', storageId: null }])
    const error = await errorOf(accounts.web.createUser({ body: person('bob@example.ORG') }))
    expect(error).toMatchObject({ kind: 'conflict', faults: [{ pointer: '/email' }] })
    expect(await kindThrown(accounts.web.createUser({ body: { ...person('x@example.org'), password: 'short' } }))).toBe('invalid')
    expect(await accounts.web.getUser({ userId: user.id })).toEqual(user)
  })

  test('sign in, check, sign out; wrong passwords and unknown people are told the same', async () => {
    const { user } = await accounts.signUp('carol@example.org')
    const { token, session } = await signIn(' CAROL@example.org', 'correct horse')
    expect(session.user).toEqual(user)
    expect(await accounts.web.checkSession({ body: { token } })).toEqual(session)
    const wrong = await errorOf(signIn('carol@example.org', 'wrong'))
    const unknown = await errorOf(signIn('nobody@example.org', 'wrong'))
    expect(wrong).toMatchObject({ kind: 'unauthenticated' })
    expect(unknown).toMatchObject({ kind: 'unauthenticated', message: wrong.message })
    await accounts.web.endSession({ body: { token } })
    expect(await kindThrown(accounts.web.checkSession({ body: { token } }))).toBe('unauthenticated')
    await accounts.web.endSession({ body: { token } })
  })

  test('neither passwords nor session tokens are in the database', async () => {
    const { token } = await accounts.signUp('dave@example.org')
    const rows = await accounts.db.query<{ hash: string }>('SELECT hash FROM passwords')
    for (const { hash } of rows) expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    const hashed = createHash('sha256').update(token).digest()
    expect(await accounts.db.query('SELECT FROM sessions WHERE token_hash = $1', [hashed])).toHaveLength(1)
  })

  test('a session ends when it is not used, and after its time', async () => {
    const { token } = await accounts.signUp('erin@example.org')
    await accounts.db.query("UPDATE sessions SET idle_expires_at = now() - interval '1 second'")
    expect(await kindThrown(accounts.web.checkSession({ body: { token } }))).toBe('unauthenticated')
    const again = await signIn('erin@example.org', 'correct horse')
    await accounts.db.query("UPDATE sessions SET expires_at = now() - interval '1 second'")
    expect(await kindThrown(accounts.web.checkSession({ body: { token: again.token } }))).toBe('unauthenticated')
  })

  test('use moves the idle end, at most once a minute and never past the absolute end', async () => {
    const { token, session } = await accounts.signUp('frank@example.org')
    await accounts.db.query(
      "UPDATE sessions SET last_used_at = now() - interval '50 seconds', idle_expires_at = idle_expires_at - interval '1 hour'",
    )
    const early = await accounts.web.checkSession({ body: { token } })
    expect(Date.parse(early.expiresAt)).toBe(Date.parse(session.expiresAt) - 3_600_000)
    await accounts.db.query("UPDATE sessions SET last_used_at = now() - interval '70 seconds'")
    const late = await accounts.web.checkSession({ body: { token } })
    expect(Date.parse(late.expiresAt)).toBeGreaterThanOrEqual(Date.parse(session.expiresAt))
    await accounts.db.query("UPDATE sessions SET last_used_at = now() - interval '2 minutes', expires_at = now() + interval '1 hour'")
    const last = await accounts.web.checkSession({ body: { token } })
    expect(Date.parse(last.expiresAt)).toBeLessThanOrEqual(Date.now() + 3_601_000)
  })

  test('guessing is throttled per person and place, many at once too; others sign in', async () => {
    const email = `grace-${randomBytes(4).toString('hex')}@example.org`
    await accounts.signUp(email)
    const kinds = await Promise.all(Array.from({ length: 15 }, () => kindThrown(signIn(email, 'wrong', '198.51.100.7'))))
    expect(kinds.filter((kind) => kind === 'unauthenticated')).toHaveLength(10)
    expect(kinds.filter((kind) => kind === 'rate-limited')).toHaveLength(5)
    const error = await errorOf(signIn(email, 'correct horse', '198.51.100.7'))
    expect(error).toMatchObject({ kind: 'rate-limited', retryAfterMs: expect.anything() })
    expect(error.message).toMatch(/Try again in 15 minutes/)
    expect(await kindThrown(signIn(email, 'correct horse', '198.51.100.8'))).toBe('none')
  })

  test('a wrong or missing sealing key keeps the service from starting; a new one in front is fine', async () => {
    const wrong = [{ id: 'test', secret: randomBytes(32) }]
    await expect(accounts.startAnother({ credentialKeys: wrong })).rejects.toThrow(/CREDENTIAL_KEYS: key test is not the one/)
    const rotated = [{ id: 'new', secret: randomBytes(32) }, ...accounts.credentialKeys]
    await (await accounts.startAnother({ credentialKeys: rotated })).close()
  })

  test('readiness asks Postgres', async () => {
    expect((await fetch(`${accounts.url}/readyz`)).status).toBe(200)
  })
})
