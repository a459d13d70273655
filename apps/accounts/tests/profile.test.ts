import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { hash } from '@node-rs/argon2'
import { startMailServer, type MailServer } from '@asheville/testkit/mail-server'
import { device, errorOf, kindThrown, startAccounts, type RunningAccounts } from './start-accounts.ts'

// Passwords are slow by design, and mail has its own pace.
jest.setTimeout(120_000)

const password = 'a calm blue ridge'
const changed = 'another quiet valley'

let server: MailServer
let accounts: RunningAccounts
beforeAll(async () => {
  server = await startMailServer()
  accounts = await startAccounts({ mail: { url: server.url, from: 'post@asheville.example' } })
})
afterAll(async () => {
  await accounts.close()
  await server.close()
})
beforeEach(() => accounts.db.query('DELETE FROM throttles'))

const newEmail = () => `${randomUUID()}@example.org`

async function signUp(email = newEmail()) {
  const user = await accounts.web.createUser({ body: { name: 'Ann', email, password, locale: 'en' } })
  return { email, user, userId: user.id, ...(await signIn(email)) }
}

const signIn = (email: string, secret = password, address = device.address) =>
  accounts.web.createSession({ body: { email, password: secret, device: { ...device, address } } })

const tokenIn = ({ links }: { links: string[] }) => new URL(links[0]!).searchParams.get('token')!

/** Someone whose address is verified. */
async function verified() {
  const person = await signUp()
  await accounts.web.verifyEmail({ body: { linkToken: tokenIn(await server.mailTo(person.email, /Is this/)) } })
  return person
}

const profileOf = (userId: string) => accounts.web.getProfile({ userId })
const requestReset = (email: string, address = '192.0.2.9') => accounts.web.requestPasswordReset({ body: { email, address } })
const reset = (linkToken: string, to = changed) => accounts.web.resetPassword({ body: { linkToken, password: to } })

async function untilAnswered(): Promise<void> {
  for (let round = 0; round < 600; round += 1) {
    if ((await accounts.db.query('SELECT FROM mails')).length === 0) return
    await delay(100)
  }
  throw new Error('Mail is left')
}

describe('the address', () => {
  test('is verified by the link of the mail, once; sent again while it is not', async () => {
    const { userId, email } = await signUp()
    expect(await profileOf(userId)).toEqual({
      name: 'Ann',
      locale: 'en',
      email,
      isEmailVerified: false,
      hasPassword: true,
      sendsMail: true,
    })
    const first = tokenIn(await server.mailTo(email))
    const count = server.mails.length
    await accounts.web.sendVerification({ userId, body: {} })
    await untilAnswered()
    expect(server.mails.slice(count).map(({ to }) => to)).toEqual([email])
    // Either of the two works, and each once.
    const second = tokenIn(server.mails.at(-1)!)
    expect(second).not.toBe(first)
    expect(await accounts.web.verifyEmail({ body: { linkToken: first } })).toEqual({ email })
    expect((await profileOf(userId)).isEmailVerified).toBe(true)
    expect(await kindThrown(accounts.web.verifyEmail({ body: { linkToken: first } }))).toBe('not-found')
    expect(await kindThrown(accounts.web.sendVerification({ userId, body: {} }))).toBe('conflict')
  })

  test('sending again is throttled', async () => {
    const { userId } = await signUp()
    const kinds = []
    for (let time = 0; time < 6; time += 1) kinds.push(await kindThrown(accounts.web.sendVerification({ userId, body: {} })))
    expect(kinds).toEqual(['none', 'none', 'none', 'none', 'none', 'rate-limited'])
  })

  test('an expired, made-up or reset link verifies nothing', async () => {
    const { userId, email } = await signUp()
    const linkToken = tokenIn(await server.mailTo(email))
    await accounts.db.query("UPDATE mail_tokens SET expires_at = now() - interval '1 second' WHERE user_id = $1", [userId])
    const expired = await errorOf(accounts.web.verifyEmail({ body: { linkToken } }))
    const unknown = await errorOf(accounts.web.verifyEmail({ body: { linkToken: 'x'.repeat(43) } }))
    expect(expired).toMatchObject({ kind: 'not-found', message: unknown.message })
    await requestReset(email)
    const other = tokenIn(await server.mailTo(email, /new password/))
    expect(await kindThrown(accounts.web.verifyEmail({ body: { linkToken: other } }))).toBe('not-found')
    expect((await profileOf(userId)).isEmailVerified).toBe(false)
  })

  test('changes when the new one is verified, and then signs in; the old one is told', async () => {
    const { userId, email, session } = await verified()
    const fresh = newEmail()
    const body = { email: fresh.toUpperCase(), current: password, sessionId: session.id }
    expect(await accounts.web.changeEmail({ userId, body })).toEqual({ outcome: 'sent' })
    expect((await profileOf(userId)).email).toBe(email)
    expect(await kindThrown(signIn(fresh))).toBe('unauthenticated')

    await accounts.web.verifyEmail({ body: { linkToken: tokenIn(await server.mailTo(fresh, /Is this/)) } })
    expect(await profileOf(userId)).toMatchObject({ email: fresh, isEmailVerified: true })
    expect(await kindThrown(signIn(fresh))).toBe('none')
    expect(await kindThrown(signIn(email))).toBe('unauthenticated')
    expect((await server.mailTo(email, /was changed/)).text).toContain(fresh)
  })

  test('changing it needs the password, and a session of one’s own', async () => {
    const { userId, session } = await verified()
    const other = await signUp()
    const change = (current: string | null, sessionId = session.id) =>
      accounts.web.changeEmail({ userId, body: { email: newEmail(), current, sessionId } })
    for (const wrong of ['not the password', '', null])
      expect(await errorOf(change(wrong))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/current' }] })
    expect(await kindThrown(change(password, other.session.id))).toBe('not-found')
    for (let time = 0; time < 10; time += 1) await kindThrown(change('not the password'))
    expect(await kindThrown(change(password))).toBe('rate-limited')
  })

  test('an address that is somebody else’s is not revealed: the answer is the same, and they get a mail', async () => {
    const owner = await verified()
    const { userId, session } = await verified()
    const change = (email: string) => accounts.web.changeEmail({ userId, body: { email, current: password, sessionId: session.id } })
    expect(await change(owner.email)).toEqual(await change(newEmail()))
    const mail = await server.mailTo(owner.email, /Somebody named/)
    expect(mail.links).toContain('http://localhost:3000/sign-in')
    expect((await profileOf(owner.userId)).email).toBe(owner.email)
    expect(await kindThrown(signIn(owner.email))).toBe('none')
  })

  test('two who were sent a link for the same address: whoever verifies first has it', async () => {
    const [one, two] = [await verified(), await verified()]
    const wanted = newEmail()
    const tokens: string[] = []
    for (const { userId, session } of [one, two]) {
      await accounts.web.changeEmail({ userId, body: { email: wanted, current: password, sessionId: session.id } })
      await untilAnswered()
      tokens.push(tokenIn(await server.mailTo(wanted)))
    }
    expect(await kindThrown(accounts.web.verifyEmail({ body: { linkToken: tokens[1]! } }))).toBe('none')
    expect(await kindThrown(accounts.web.verifyEmail({ body: { linkToken: tokens[0]! } }))).toBe('conflict')
    expect((await profileOf(two.userId)).email).toBe(wanted)
    expect((await profileOf(one.userId)).email).toBe(one.email)
  })
})

describe('a forgotten password', () => {
  test('is set anew by the link of the mail, once; every session ends; the person is told', async () => {
    const { userId, email, token } = await signUp()
    const { token: elsewhere } = await signIn(email)
    await requestReset(email.toUpperCase())
    const mail = await server.mailTo(email, /new password/)
    expect(mail.links[0]).toMatch(/^http:\/\/localhost:3000\/reset-password\?token=[\w-]{43}$/)
    await reset(tokenIn(mail))

    for (const ended of [token, elsewhere])
      expect(await kindThrown(accounts.web.checkSession({ body: { token: ended } }))).toBe('unauthenticated')
    expect(await kindThrown(signIn(email))).toBe('unauthenticated')
    expect(await kindThrown(signIn(email, changed))).toBe('none')
    // Whoever could read that mail reads mail to that address.
    expect((await profileOf(userId)).isEmailVerified).toBe(true)
    expect((await server.mailTo(email, /was changed/)).text).toContain('password of your account was changed')
    expect(await kindThrown(reset(tokenIn(mail), password))).toBe('not-found')
    expect(await kindThrown(signIn(email, changed))).toBe('none')
  })

  test('links expire; one that was used makes the others useless; a verification link sets no password', async () => {
    const { userId, email } = await signUp()
    const verification = tokenIn(await server.mailTo(email, /Is this/))
    expect(await kindThrown(reset(verification))).toBe('not-found')
    const tokens: string[] = []
    for (let time = 0; time < 3; time += 1) {
      await requestReset(email)
      await untilAnswered()
      tokens.push(tokenIn(await server.mailTo(email, /new password/)))
    }
    expect(new Set(tokens).size).toBe(3)
    const [one, two, three] = tokens as [string, string, string]
    const [lasts] = await accounts.db.query<{ minutes: number }>(
      "SELECT extract(epoch FROM expires_at - created_at)::int / 60 AS minutes FROM mail_tokens WHERE purpose = 'reset-password' AND user_id = $1",
      [userId],
    )
    expect(lasts!.minutes).toBe(30)
    await accounts.db.query("UPDATE mail_tokens SET expires_at = now() - interval '1 second' WHERE token_hash = sha256($1::text::bytea)", [
      one,
    ])
    expect(await kindThrown(reset(one))).toBe('not-found')
    await reset(two)
    expect(await kindThrown(reset(three))).toBe('not-found')
    expect(await kindThrown(signIn(email, changed))).toBe('none')
  })

  test('many at once with one link: one of them has it', async () => {
    const { email } = await signUp()
    await requestReset(email)
    const linkToken = tokenIn(await server.mailTo(email, /new password/))
    const kinds = await Promise.all(Array.from({ length: 5 }, (_, index) => kindThrown(reset(linkToken, `${changed} ${index}`))))
    expect(kinds.sort()).toEqual(['none', 'not-found', 'not-found', 'not-found', 'not-found'])
  })

  test('a short password is refused, and the link still works', async () => {
    const { email } = await signUp()
    await requestReset(email)
    const linkToken = tokenIn(await server.mailTo(email, /new password/))
    expect(await errorOf(reset(linkToken, 'short'))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/password' }] })
    expect(await kindThrown(reset(linkToken))).toBe('none')
  })

  test('who has an account is not told: the same work, the same bytes; nobody else gets mail', async () => {
    const { email } = await signUp()
    await untilAnswered()
    const count = server.mails.length
    const sign = accounts.signerOf('web')
    const answers = []
    for (const asked of [email, newEmail(), 'gone@example.org']) {
      const response = await fetch(`${accounts.url}/v1/password-resets`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await sign('accounts', null)}` },
        body: JSON.stringify({ email: asked, address: '192.0.2.33' }),
      })
      const headers = [...response.headers].filter(([header]) => !['date', 'x-request-id'].includes(header))
      answers.push(JSON.stringify([response.status, headers, await response.text()]))
    }
    expect(new Set(answers).size).toBe(1)
    expect(answers[0]).toContain('204')
    await untilAnswered()
    expect(server.mails.slice(count).map(({ to }) => to)).toEqual([email])
  })

  test('asking is throttled by address that is asked for, known or not, and by where from', async () => {
    const { email } = await signUp()
    for (const asked of [email, newEmail()]) {
      const kinds = await Promise.all(Array.from({ length: 7 }, (_, index) => kindThrown(requestReset(asked, `192.0.2.${index}`))))
      expect(kinds.filter((kind) => kind === 'rate-limited')).toHaveLength(2)
    }
    const kinds = await Promise.all(Array.from({ length: 32 }, (_, index) => kindThrown(requestReset(newEmail(), `2001:db8::${index}`))))
    expect(kinds.filter((kind) => kind === 'rate-limited')).toHaveLength(2)
  })

  test('the operator makes a link without mail; no other service does', async () => {
    const { userId, email } = await signUp()
    const { link, minutes } = await accounts.clientOf('accounts').createResetLink({ body: { email: email.toUpperCase() } })
    expect(minutes).toBe(30)
    await reset(tokenIn({ links: [link] }))
    expect(await kindThrown(signIn(email, changed))).toBe('none')
    // An operator who hands over a link has not shown that the person reads mail there.
    expect((await profileOf(userId)).isEmailVerified).toBe(false)
    expect(await kindThrown(accounts.clientOf('accounts').createResetLink({ body: { email: newEmail() } }))).toBe('not-found')
    for (const caller of ['web', 'conductor', 'workers', 'platform'] as const)
      expect(await kindThrown(accounts.clientOf(caller).createResetLink({ body: { email } }))).toBe('forbidden')
  })
})

describe('the profile', () => {
  test('name and language; nothing else is taken', async () => {
    const { userId } = await signUp()
    expect(await accounts.web.updateUser({ userId, body: { name: ' Anna ' } })).toMatchObject({ name: 'Anna', locale: 'en' })
    expect(await accounts.web.updateUser({ userId, body: { locale: 'de' } })).toMatchObject({ name: 'Anna', locale: 'de' })
    const error = await errorOf(accounts.web.updateUser({ userId, body: { role: 'owner' } as never }))
    expect(error).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/role' }] })
    expect(await kindThrown(accounts.web.updateUser({ userId, body: { name: '' } }))).toBe('invalid')
  })

  test('a new password ends every other session, and is told', async () => {
    const { userId, email, session, token } = await verified()
    const { token: elsewhere } = await signIn(email)
    const change = (current: string | null) =>
      accounts.web.changePassword({ userId, body: { current, password: changed, sessionId: session.id } })
    for (const wrong of [null, 'not the password'])
      expect(await errorOf(change(wrong))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/current' }] })
    await change(password)
    expect(await kindThrown(accounts.web.checkSession({ body: { token } }))).toBe('none')
    expect(await kindThrown(accounts.web.checkSession({ body: { token: elsewhere } }))).toBe('unauthenticated')
    expect(await kindThrown(signIn(email))).toBe('unauthenticated')
    expect(await kindThrown(signIn(email, changed))).toBe('none')
    await server.mailTo(email, /password was changed/)
  })

  test('who has no password sets one, soon after signing in', async () => {
    const { userId, email, session } = await verified()
    await accounts.db.query('DELETE FROM passwords WHERE user_id = $1', [userId])
    await accounts.db.query("DELETE FROM identities WHERE user_id = $1 AND provider = 'local'", [userId])
    expect((await profileOf(userId)).hasPassword).toBe(false)
    const set = () => accounts.web.changePassword({ userId, body: { current: null, password: changed, sessionId: session.id } })
    await accounts.db.query("UPDATE sessions SET created_at = now() - interval '16 minutes' WHERE id = $1", [session.id])
    expect(await kindThrown(set())).toBe('forbidden')
    await accounts.db.query('UPDATE sessions SET created_at = now() WHERE id = $1', [session.id])
    await set()
    expect(await kindThrown(signIn(email, changed))).toBe('none')
    expect((await profileOf(userId)).hasPassword).toBe(true)
  })
})

describe('signing in', () => {
  test('strangers cannot lock a person out of where they sign in; new places are held back', async () => {
    const { email } = await signUp()
    // As after 97 guesses from many places.
    await accounts.db.query(
      "UPDATE throttles SET attempts = 97, ends_at = now() + interval '10 minutes' WHERE key = sha256($1::text::bytea)",
      [`sign-in email ${email}`],
    )
    const kinds: string[] = []
    for (let place = 1; place <= 6; place += 1) kinds.push(await kindThrown(signIn(email, 'wrong guess', `198.51.100.${place}`)))
    expect(kinds).toEqual([...Array<string>(3).fill('unauthenticated'), ...Array<string>(3).fill('rate-limited')])
    expect(await kindThrown(signIn(email, password, '203.0.113.5'))).toBe('rate-limited')
    expect(await kindThrown(signIn(email, password))).toBe('none')
  })

  test('too many sign-ups from one place are refused', async () => {
    const body = { name: 'Ann', password: 'short', locale: 'en', address: '203.0.113.77' }
    await accounts.db.query(
      "INSERT INTO throttles (key, attempts, ends_at) VALUES (sha256('sign-up from 203.0.113.77'::bytea), 29, now() + interval '1 hour')",
    )
    const signUpFrom = (address: string) => kindThrown(accounts.web.createUser({ body: { ...body, password, email: newEmail(), address } }))
    expect([await signUpFrom(body.address), await signUpFrom(body.address), await signUpFrom('203.0.113.78')]).toEqual([
      'none',
      'rate-limited',
      'none',
    ])
  })

  test('one household of IPv6 is one place', async () => {
    const { email } = await signUp()
    const kinds = []
    for (let index = 0; index < 12; index += 1) kinds.push(await kindThrown(signIn(email, 'wrong guess', `2001:db8:1:2::${index}`)))
    expect(kinds.filter((kind) => kind === 'rate-limited')).toHaveLength(2)
  })

  test('a hash of an older cost is made anew when its password is known', async () => {
    const { email, userId } = await signUp()
    const weak = await hash(password, { memoryCost: 8192, timeCost: 1, parallelism: 1 })
    await accounts.db.query('UPDATE passwords SET hash = $2 WHERE user_id = $1', [userId, weak])
    const stored = async () =>
      (await accounts.db.query<{ hash: string }>('SELECT hash FROM passwords WHERE user_id = $1', [userId]))[0]!.hash
    expect(await kindThrown(signIn(email, 'wrong guess'))).toBe('unauthenticated')
    expect(await stored()).toBe(weak)
    await signIn(email)
    expect(await stored()).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(await kindThrown(signIn(email))).toBe('none')
  })
})

test('a server without mail: nothing is queued, addresses change at once, resets are the operator’s', async () => {
  const quiet = await startAccounts()
  try {
    const email = newEmail()
    const { id: userId } = await quiet.web.createUser({ body: { name: 'Ann', email, password, locale: 'en' } })
    const { id: otherId } = await quiet.web.createUser({ body: { name: 'Bob', email: 'bob@example.org', password, locale: 'en' } })
    expect((await quiet.web.getSetup({})).sendsMail).toBe(false)
    expect(await quiet.db.query('SELECT FROM mails')).toEqual([])
    const { session } = await quiet.web.createSession({ body: { email, password, device } })
    const change = (to: string) => quiet.web.changeEmail({ userId, body: { email: to, current: password, sessionId: session.id } })
    expect(await errorOf(change('bob@example.org'))).toMatchObject({ kind: 'conflict', faults: [{ pointer: '/email' }] })
    expect(await change('ann@example.org')).toEqual({ outcome: 'changed' })
    expect(await kindThrown(quiet.web.createSession({ body: { email: 'ann@example.org', password, device } }))).toBe('none')
    expect(await kindThrown(quiet.web.sendVerification({ userId: otherId, body: {} }))).toBe('conflict')
    expect(await errorOf(quiet.web.requestPasswordReset({ body: { email, address: '192.0.2.1' } }))).toMatchObject({
      kind: 'conflict',
      message: 'This server sends no mail. Ask whoever runs it',
    })
    expect((await quiet.clientOf('accounts').createResetLink({ body: { email: 'ann@example.org' } })).link).toContain(
      '/reset-password?token=',
    )
  } finally {
    await quiet.close()
  }
})
