import { createHash, generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createSoftwarePasskey, type SoftwarePasskey } from '@asheville/testkit'
import { startMailServer } from '@asheville/testkit/mail-server'
import { device, errorOf, kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'

const origin = 'https://asheville.example'
const site = { origin, rpId: 'asheville.example' }
const nowhere = '00000000-0000-4000-8000-000000000000'

let accounts: RunningAccounts
beforeAll(async () => {
  accounts = await startAccounts({ webUrl: origin })
})
afterAll(() => accounts.close())

const newVisitor = () => createHash('sha256').update(String(Math.random())).digest('base64url')
const begin = ({ user, session }: Person, current: string | null = 'correct horse') =>
  accounts.web.beginPasskey({ userId: user.id, body: { sessionId: session.id, current } })
const list = async ({ user }: Person) => (await accounts.web.listPasskeys({ userId: user.id })).passkeys

type Made = ReturnType<SoftwarePasskey['make']>
const keep = ({ user, session }: Person, made: Made, name = 'Laptop') =>
  accounts.web.addPasskey({ userId: user.id, body: { sessionId: session.id, name, ...made } })

/** A person with a passkey that they added as they should. */
async function withPasskey(person: Person, name?: string, current?: null) {
  const { challenge, user } = await begin(person, current)
  const passkey = createSoftwarePasskey()
  return { passkey, kept: await keep(person, passkey.make({ ...site, challenge, userHandle: user.id }), name) }
}

async function askSignIn(visitor: string, address = '192.0.2.1') {
  return accounts.web.beginPasskeySignIn({ body: { visitor, device: { ...device, address } } })
}

type Signed = ReturnType<SoftwarePasskey['sign']>
const signIn = (visitor: string, signed: Signed, address = '192.0.2.1') =>
  accounts.web.finishPasskeySignIn({ body: { visitor, device: { ...device, address }, ...signed } })

/** Signs in as it should be done, but for what is given. */
async function tryWith(passkey: SoftwarePasskey, changed: Partial<Parameters<SoftwarePasskey['sign']>[0]> = {}) {
  const visitor = newVisitor()
  const { challenge } = await askSignIn(visitor)
  return signIn(visitor, passkey.sign({ ...site, challenge, ...changed }))
}

/** As a person who has no password any more. */
async function forgetPassword({ user }: Person) {
  await accounts.db.query('DELETE FROM passwords WHERE user_id = $1', [user.id])
}

describe('adding a passkey', () => {
  test('asks for one that names its person and needs their finger or code; it is listed, renamed, and not asked for twice', async () => {
    const person = await accounts.signUp('ann@example.org')
    const asked = await begin(person)
    expect(asked).toMatchObject({
      rp: { id: 'asheville.example', name: 'Asheville' },
      user: { name: 'ann@example.org', displayName: 'Alice' },
      excludeCredentials: [],
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
    })
    expect(Buffer.from(asked.user.id, 'base64url').toString('hex')).toBe(person.user.id.replaceAll('-', ''))
    const passkey = createSoftwarePasskey()
    const made = passkey.make({ ...site, challenge: asked.challenge, userHandle: asked.user.id })
    const kept = await keep(person, made)
    expect(kept).toMatchObject({ name: 'Laptop', isShared: false, lastUsedAt: null })
    expect(await list(person)).toEqual([kept])
    expect((await begin(person)).excludeCredentials).toEqual([{ id: made.credentialId, type: 'public-key', transports: ['internal'] }])

    const params = { passkeyId: kept.id }
    const renamed = await accounts.web.renamePasskey({ userId: person.user.id, params, body: { name: ' Work laptop ' } })
    expect(renamed).toEqual({ ...kept, name: 'Work laptop' })
    const tooLong = accounts.web.renamePasskey({ userId: person.user.id, params, body: { name: 'x'.repeat(61) } })
    expect(await errorOf(tooLong)).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/name' }] })
    const [row] = await accounts.db.query('SELECT * FROM passkey_challenges')
    expect(JSON.stringify(row)).not.toContain(asked.challenge)
  })

  test('counts only what this session asked for, once, in time, from this website, of a person who proved who they are', async () => {
    const person = await accounts.signUp()
    const other = await accounts.signUp()
    const { token: _, session } = await accounts.web.createSession({
      body: { email: person.user.email!, password: 'correct horse', device },
    })
    const elsewhere = { ...person, session }
    const make = (challenge: string, changed: object = {}) =>
      createSoftwarePasskey().make({ ...site, challenge, userHandle: 'AAAA', ...changed })
    const isRefused = async (as: Person, changed: object) => {
      const { challenge } = await begin(person)
      return kindThrown(keep(as, make(challenge, changed)))
    }

    expect(await isRefused(elsewhere, {})).toBe('forbidden')
    expect(await isRefused(other, {})).toBe('forbidden')
    expect(await isRefused(person, { origin: 'https://asheville.example.evil.example' })).toBe('forbidden')
    expect(await isRefused(person, { origin: 'http://asheville.example' })).toBe('forbidden')
    expect(await isRefused(person, { rpId: 'example' })).toBe('forbidden')
    expect(await isRefused(person, { isVerified: false })).toBe('forbidden')
    expect(await isRefused(person, { type: 'webauthn.get' })).toBe('forbidden')
    expect(await isRefused(person, { challenge: 'bm90IHdoYXQgd2FzIGFza2VkIGZvciBhdCBhbGw' })).toBe('forbidden')

    const { challenge } = await begin(person)
    await accounts.db.query("UPDATE passkey_challenges SET expires_at = now() - interval '1 second'")
    expect(await kindThrown(keep(person, make(challenge)))).toBe('forbidden')

    const again = await begin(person)
    expect(await kindThrown(keep(person, make(again.challenge)))).toBe('none')
    expect(await kindThrown(keep(person, make(again.challenge)))).toBe('forbidden')

    const ended = await begin(elsewhere)
    await accounts.db.query('DELETE FROM sessions WHERE id = $1', [session.id])
    expect(await kindThrown(keep(elsewhere, make(ended.challenge)))).toBe('forbidden')
    expect(await kindThrown(begin(elsewhere))).toBe('forbidden')
    expect(await list(person)).toHaveLength(1)
    expect(await list(other)).toEqual([])
  })

  test('is begun by who knows the password, or has none and signed in just now', async () => {
    const person = await accounts.signUp()
    expect(await errorOf(begin(person, null))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/current' }] })
    expect(await errorOf(begin(person, 'wrong horse'))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/current' }] })
    expect(await kindThrown(begin(person))).toBe('none')
    await forgetPassword(person)
    expect(await kindThrown(begin(person, null))).toBe('none')
    await accounts.db.query("UPDATE sessions SET created_at = now() - interval '1 hour' WHERE user_id = $1", [person.user.id])
    expect(await kindThrown(begin(person, null))).toBe('forbidden')
  })

  test('what cannot be read is refused as what is wrong', async () => {
    const person = await accounts.signUp()
    const { challenge, user } = await begin(person)
    const made = createSoftwarePasskey().make({ ...site, challenge, userHandle: user.id })
    for (const changed of [
      { attestationObject: 'AAAA' },
      { attestationObject: '_'.repeat(40_000) },
      { attestationObject: Buffer.alloc(29_000, 0x81).toString('base64url') },
      { clientDataJSON: Buffer.from('{}').toString('base64url') },
      { clientDataJSON: Buffer.from('not JSON').toString('base64url') },
      { credentialId: 'AAAA' },
    ]) {
      expect([changed, await kindThrown(keep(person, { ...made, ...changed }))]).toEqual([changed, 'forbidden'])
    }
    expect(await kindThrown(keep(person, { ...made, transports: ['<script>'] }))).toBe('invalid')
  })

  test('one that is kept already is not kept again, whoever brings it', async () => {
    const first = await accounts.signUp()
    const { passkey } = await withPasskey(first)
    const thief = await accounts.signUp()
    const { challenge, user } = await begin(thief)
    expect(await kindThrown(keep(thief, passkey.make({ ...site, challenge, userHandle: user.id })))).toBe('conflict')
    expect(await list(thief)).toEqual([])
  })

  test('what an authenticator says of its maker was not asked, and decides nothing', async () => {
    const person = await accounts.signUp()
    const { challenge, user } = await begin(person)
    const attestation = new Map<string, number | Uint8Array | Uint8Array[]>([
      ['alg', -7],
      ['sig', Buffer.alloc(70, 1)],
      ['x5c', [Buffer.alloc(300, 2)]],
    ])
    const made = createSoftwarePasskey().make({ ...site, challenge, userHandle: user.id, attestation })
    expect(await kindThrown(keep(person, made))).toBe('none')
  })

  test('of passkeys and of beginnings there is an end', async () => {
    const person = await accounts.signUp()
    for (let round = 0; round < 25; round += 1) await begin(person)
    const pending = await accounts.db.query('SELECT FROM passkey_challenges WHERE user_id = $1', [person.user.id])
    expect(pending).toHaveLength(20)
    await accounts.db.query(
      `INSERT INTO passkeys (user_id, id, credential_id, public_key, counter, transports, device_type, is_backed_up, name)
       SELECT $1, gen_random_uuid(), decode(md5(n::text), 'hex'), '', 0, '{}', 'single-device', false, 'x' FROM generate_series(1, 50) n`,
      [person.user.id],
    )
    expect(await kindThrown(begin(person))).toBe('conflict')
  })
})

test('of a new passkey its person is told by mail', async () => {
  const server = await startMailServer()
  const other = await startAccounts({ webUrl: origin, mail: { url: server.url, from: 'post@asheville.example' } })
  try {
    const person = await other.signUp('heather@example.org')
    await other.db.query('UPDATE users SET email_verified_at = now()')
    const body = { sessionId: person.session.id, current: 'correct horse' }
    const { challenge, user } = await other.web.beginPasskey({ userId: person.user.id, body })
    const made = createSoftwarePasskey().make({ ...site, challenge, userHandle: user.id })
    await other.web.addPasskey({ userId: person.user.id, body: { sessionId: person.session.id, name: 'Blue laptop', ...made } })
    const mail = await server.mailTo('heather@example.org', /passkey/)
    expect(mail.text).toContain('“Blue laptop”')
    expect(mail.links[0]).toBe(`${origin}/settings/passkeys`)
  } finally {
    await other.close()
    await server.close()
  }
})

describe('signing in by a passkey', () => {
  test('opens a session as a password does, for whoever the passkey is of; its use is noted', async () => {
    const person = await accounts.signUp()
    const { passkey, kept } = await withPasskey(person)
    const visitor = newVisitor()
    const asked = await askSignIn(visitor)
    expect(asked).toEqual({ challenge: expect.any(String), rpId: 'asheville.example', timeout: 300_000, userVerification: 'required' })
    const { token, session } = await signIn(visitor, passkey.sign({ ...site, challenge: asked.challenge }))
    expect(session.user).toEqual(person.user)
    expect((await accounts.web.checkSession({ body: { token } })).id).toBe(session.id)
    const [used] = await list(person)
    expect(used).toEqual({ ...kept, lastUsedAt: expect.any(String) })
  })

  test('an authenticator that does not count may be used again and again', async () => {
    const person = await accounts.signUp()
    const { challenge, user } = await begin(person)
    const passkey = createSoftwarePasskey()
    await keep(person, passkey.make({ ...site, challenge, userHandle: user.id, counter: 0 }))
    for (let use = 0; use < 3; use += 1) expect(await kindThrown(tryWith(passkey, { counter: 0 }))).toBe('none')
    expect(await kindThrown(tryWith(passkey, { counter: 5 }))).toBe('none')
    expect(await kindThrown(tryWith(passkey, { counter: 0 }))).toBe('unauthenticated')
  })

  test('whatever is wrong is told the same', async () => {
    const person = await accounts.signUp()
    const other = await accounts.signUp()
    const { passkey } = await withPasskey(person)
    const { passkey: others } = await withPasskey(other)
    const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const othersHandle = Buffer.from(other.user.id.replaceAll('-', ''), 'hex').toString('base64url')

    const wrong: Record<string, () => Promise<unknown>> = {
      'a passkey that nobody has': () => tryWith(createSoftwarePasskey(), { userHandle: othersHandle }),
      'a wrong signature': () => tryWith(passkey, { key }),
      'another origin': () => tryWith(passkey, { origin: 'https://evil.example' }),
      'another website’s passkey': () => tryWith(passkey, { rpId: 'evil.example' }),
      'no proof of who it is': () => tryWith(passkey, { isVerified: false }),
      'what was signed to make one': () => tryWith(passkey, { type: 'webauthn.create' }),
      'what nobody asked for': () => tryWith(passkey, { challenge: 'bm90IHdoYXQgd2FzIGFza2VkIGZvciBhdCBhbGw' }),
      'as another person': () => tryWith(passkey, { userHandle: othersHandle }),
      'by another person’s name': async () => {
        const visitor = newVisitor()
        const { challenge } = await askSignIn(visitor)
        const mine = passkey.sign({ ...site, challenge })
        const theirs = others.sign({ ...site, challenge })
        return signIn(visitor, { ...mine, credentialId: theirs.credentialId, userHandle: theirs.userHandle })
      },
      'another visitor’s challenge': async () => signIn(newVisitor(), passkey.sign({ ...site, ...(await askSignIn(newVisitor())) })),
      'a challenge to make one': async () => tryWith(passkey, { challenge: (await begin(person)).challenge }),
      'too late': async () => {
        const visitor = newVisitor()
        const { challenge } = await askSignIn(visitor)
        await accounts.db.query("UPDATE passkey_challenges SET expires_at = now() - interval '1 second'")
        return signIn(visitor, passkey.sign({ ...site, challenge }))
      },
      'a second time': async () => {
        const visitor = newVisitor()
        const { challenge } = await askSignIn(visitor)
        const signed = passkey.sign({ ...site, challenge })
        await signIn(visitor, signed)
        return signIn(visitor, signed)
      },
      'bytes of no meaning': async () => {
        const visitor = newVisitor()
        const { challenge } = await askSignIn(visitor)
        return signIn(visitor, { ...passkey.sign({ ...site, challenge }), authenticatorData: 'AAAA', signature: '____' })
      },
    }
    const told = new Set<string>()
    for (const [what, attempt] of Object.entries(wrong)) {
      const { kind, message } = await errorOf(attempt())
      expect([what, kind]).toEqual([what, 'unauthenticated'])
      told.add(message)
      // The attempts of this test are no guessing.
      await accounts.db.query('DELETE FROM throttles')
    }
    expect([...told]).toEqual(['This passkey does not open an account here'])
    expect(await kindThrown(tryWith(passkey))).toBe('none')
  })

  test('of many who bring one answer at once, one gets in', async () => {
    const { passkey } = await withPasskey(await accounts.signUp())
    const visitor = newVisitor()
    const { challenge } = await askSignIn(visitor)
    const signed = passkey.sign({ ...site, challenge })
    const kinds = await Promise.all(Array.from({ length: 8 }, () => kindThrown(signIn(visitor, signed))))
    expect(kinds.sort()).toEqual(['none', ...Array.from({ length: 7 }, () => 'unauthenticated')])
  })

  test('a counter that does not grow is refused, and the operator is told of a copy', async () => {
    const person = await accounts.signUp()
    const { passkey, kept } = await withPasskey(person)
    expect(await kindThrown(tryWith(passkey, { counter: 40 }))).toBe('none')
    accounts.lines.length = 0
    expect(await kindThrown(tryWith(passkey, { counter: 40 }))).toBe('unauthenticated')
    expect(await kindThrown(tryWith(passkey, { counter: 39 }))).toBe('unauthenticated')
    const warned = accounts.lines.filter((line) => line.includes('counter went back'))
    expect(warned).toHaveLength(2)
    expect(JSON.parse(warned[0]!)).toMatchObject({ level: 'warn', userId: person.user.id, passkeyId: kept.id })
    expect(await kindThrown(tryWith(passkey, { counter: 41 }))).toBe('none')
    // A forged one does not make it grow.
    const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    expect(await kindThrown(tryWith(passkey, { counter: 2 ** 32 - 1, key }))).toBe('unauthenticated')
    expect(await kindThrown(tryWith(passkey, { counter: 42 }))).toBe('none')
  })

  test('trying is throttled by passkey and place; who signs in rightly is not counted', async () => {
    const { passkey } = await withPasskey(await accounts.signUp())
    for (let use = 0; use < 12; use += 1) expect(await kindThrown(tryWith(passkey))).toBe('none')
    const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const kinds = await Promise.all(Array.from({ length: 12 }, () => kindThrown(tryWith(passkey, { key, counter: 1000 }))))
    expect(kinds.filter((kind) => kind === 'unauthenticated')).toHaveLength(10)
    expect(kinds.filter((kind) => kind === 'rate-limited')).toHaveLength(2)
    expect(await kindThrown(tryWith(passkey))).toBe('rate-limited')
    const visitor = newVisitor()
    const { challenge } = await askSignIn(visitor)
    expect(await kindThrown(signIn(visitor, passkey.sign({ ...site, challenge }), '198.51.100.9'))).toBe('none')
  })
})

describe('taking a passkey away', () => {
  test('it opens nothing any more; another person’s is not there', async () => {
    const person = await accounts.signUp()
    const { passkey, kept } = await withPasskey(person)
    const stranger = (await accounts.signUp()).user.id
    const params = { passkeyId: kept.id }
    expect(await kindThrown(accounts.web.removePasskey({ userId: stranger, params }))).toBe('not-found')
    expect(await kindThrown(accounts.web.renamePasskey({ userId: stranger, params, body: { name: 'Mine' } }))).toBe('not-found')
    const nobodys = { passkeyId: nowhere }
    expect(await kindThrown(accounts.web.removePasskey({ userId: person.user.id, params: nobodys }))).toBe('not-found')
    expect(await list(person)).toEqual([kept])
    await accounts.web.removePasskey({ userId: person.user.id, params })
    expect(await list(person)).toEqual([])
    expect(await kindThrown(tryWith(passkey))).toBe('unauthenticated')
  })

  test('the last way in stays, also when two are taken at once', async () => {
    const person = await accounts.signUp()
    const { passkey, kept } = await withPasskey(person)
    await forgetPassword(person)
    const remove = (passkeyId: string) => accounts.web.removePasskey({ userId: person.user.id, params: { passkeyId } })
    expect(await errorOf(remove(kept.id))).toMatchObject({ kind: 'conflict', message: expect.stringContaining('could not sign in') })
    expect(await kindThrown(tryWith(passkey))).toBe('none')
    const { kept: second } = await withPasskey(person, 'Phone', null)
    const kinds = await Promise.all([kindThrown(remove(kept.id)), kindThrown(remove(second.id))])
    expect(kinds.sort()).toEqual(['conflict', 'none'])
    const [left, ...others] = await list(person)
    expect(others).toEqual([])
    await accounts.db.query("INSERT INTO identities (user_id, provider, provider_user_id) VALUES ($1, 'mastodon', '1')", [person.user.id])
    expect(await kindThrown(remove(left!.id))).toBe('none')
  })
})

test.each(['http://192.168.1.5:3000', 'http://home.lan:3000', 'https://192.168.1.5', 'https://[fd00::5]'])(
  'at %s browsers keep no passkeys, and it is said',
  async (webUrl) => {
    const other = await startAccounts({ webUrl })
    try {
      const { user, session } = await other.signUp()
      const error = await errorOf(other.web.beginPasskey({ userId: user.id, body: { sessionId: session.id, current: 'correct horse' } }))
      expect(error).toMatchObject({ kind: 'conflict', message: expect.stringContaining('https') })
      expect(await kindThrown(other.web.beginPasskeySignIn({ body: { visitor: newVisitor(), device } }))).toBe('conflict')
    } finally {
      await other.close()
    }
  },
)

test('on localhost they work over http', async () => {
  const other = await startAccounts({ webUrl: 'http://localhost:3000' })
  try {
    const { user, session } = await other.signUp()
    expect((await other.web.beginPasskey({ userId: user.id, body: { sessionId: session.id, current: 'correct horse' } })).rp.id).toBe(
      'localhost',
    )
  } finally {
    await other.close()
  }
})
