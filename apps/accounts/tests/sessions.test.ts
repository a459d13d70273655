import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startMailServer, type MailServer } from '@asheville/testkit/mail-server'
import { openPlaces } from '../src/sessions/places.ts'
import { kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'
import { placesFile } from './write-places.ts'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const safari =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'

const names = (en: string, de = en) => ({ names: { en, de } })
const places = placesFile([
  { network: '192.0.2', data: { city: names('Asheville'), country: names('United States', 'Vereinigte Staaten') } },
  { network: '198.51', data: { country: names('Germany', 'Deutschland') } },
  { network: '203.0.113', data: { continent: names('Oceania') } },
])

let accounts: RunningAccounts
let mails: MailServer
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'asheville-places-'))
  const geoipFile = join(directory, 'places.mmdb')
  await writeFile(geoipFile, places)
  mails = await startMailServer()
  accounts = await startAccounts({ geoipFile, mail: { url: mails.url, from: 'post@asheville.example' } })
})
afterAll(async () => {
  await accounts.close()
  await mails.close()
  await rm(directory, { recursive: true })
})

const signIn = async ({ user }: Pick<Person, 'user'>, userAgent: string, address: string) =>
  accounts.web.createSession({ body: { email: user.email!, password: 'correct horse', device: { userAgent, address } } })
const list = async ({ user }: Pick<Person, 'user'>) => (await accounts.web.listSessions({ userId: user.id })).sessions
const check = (token: string) => kindThrown(accounts.web.checkSession({ body: { token } }))

describe('the list', () => {
  test('says with what and from where, the one used last first', async () => {
    const person = await accounts.signUp()
    await signIn(person, firefox, '192.0.2.10')
    await signIn(person, safari, '::ffff:198.51.100.4')
    await signIn(person, 'curl/8.5.0', '203.0.113.9')
    await signIn(person, '', 'no address')
    await accounts.db.query("UPDATE sessions SET last_used_at = now() - interval '1 hour' WHERE user_agent = 'curl/8.5.0'")
    const sessions = await list(person)
    const shown = sessions.map(({ device, address, place }) => [device.browser, device.system, device.kind, address, place])
    expect(shown.slice(0, -1).sort()).toEqual(
      [
        ['Test', null, 'other', '192.0.2.1', 'Asheville, United States'],
        ['Firefox', 'Linux', 'desktop', '192.0.2.10', 'Asheville, United States'],
        ['Safari', 'iOS', 'mobile', '198.51.100.4', 'Germany'],
        [null, null, 'other', 'no address', null],
      ].sort(),
    )
    expect(shown.at(-1)).toEqual(['curl', null, 'other', '203.0.113.9', null])
    expect(sessions.map(({ id }) => id)).toContain(person.session.id)
  })

  test('names places in the person’s language; without a file there are none; a file that is none is told', async () => {
    const person = await accounts.signUp()
    await accounts.db.query("UPDATE users SET locale = 'de-AT' WHERE id = $1", [person.user.id])
    expect((await list(person)).map(({ place }) => place)).toEqual(['Asheville, Vereinigte Staaten'])
    const file = join(directory, 'none.mmdb')
    await writeFile(file, 'nothing of the kind')
    await expect(openPlaces(file)).rejects.toThrow(/^GEOIP_FILE: .*none\.mmdb/)
    const without = await startAccounts()
    try {
      const { user } = await without.signUp()
      const { sessions } = await without.web.listSessions({ userId: user.id })
      expect(sessions).toMatchObject([{ address: '192.0.2.1', place: null }])
    } finally {
      await without.close()
    }
  })

  test('has no session that has ended, and nobody else’s', async () => {
    const [person, other] = [await accounts.signUp(), await accounts.signUp()]
    const ended = await signIn(person, firefox, '192.0.2.10')
    await accounts.db.query('UPDATE sessions SET idle_expires_at = now() WHERE id = $1', [ended.session.id])
    expect((await list(person)).map(({ id }) => id)).toEqual([person.session.id])
    expect((await list(other)).map(({ id }) => id)).toEqual([other.session.id])
  })
})

describe('ending', () => {
  test('one, and all others; never another person’s', async () => {
    const [person, other] = [await accounts.signUp(), await accounts.signUp()]
    const [one, two] = [await signIn(person, firefox, '192.0.2.10'), await signIn(person, safari, '192.0.2.10')]
    const userId = person.user.id
    const revoke = (sessionId: string, by = userId) => kindThrown(accounts.web.revokeSession({ userId: by, params: { sessionId } }))
    expect(await revoke(one.session.id, other.user.id)).toBe('not-found')
    expect(await revoke(randomUUID())).toBe('not-found')
    expect([await revoke(one.session.id), await revoke(one.session.id)]).toEqual(['none', 'not-found'])
    expect([await check(one.token), await check(two.token)]).toEqual(['unauthenticated', 'none'])

    const others = (except: string | null) => accounts.web.revokeSessions({ userId, body: { except } })
    expect(await kindThrown(others(other.session.id))).toBe('not-found')
    expect(await check(two.token)).toBe('none')
    expect(await others(person.session.id)).toEqual({ ended: 1 })
    expect([await check(two.token), await check(person.token)]).toEqual(['unauthenticated', 'none'])
    expect(await others(null)).toEqual({ ended: 1 })
    expect([await check(person.token), await check(other.token)]).toEqual(['unauthenticated', 'none'])
  })

  test('whose account is being closed neither has a session nor gets one', async () => {
    const person = await accounts.signUp()
    await accounts.db.query('UPDATE users SET closing_at = now() WHERE id = $1', [person.user.id])
    expect(await check(person.token)).toBe('unauthenticated')
    expect(await kindThrown(signIn(person, firefox, '192.0.2.10'))).toBe('unauthenticated')
    expect(await accounts.db.query('SELECT FROM sessions WHERE user_id = $1', [person.user.id])).toHaveLength(1)
  })
})

describe('a device that is new', () => {
  const queued = async ({ user }: Person) =>
    (await accounts.db.query("SELECT FROM mails WHERE user_id = $1 AND kind = 'new-device'", [user.id])).length +
    mails.mails.filter(({ to, subject }) => to === user.email && subject === 'A new sign-in to your account').length

  test('is told by mail, once; not the first, not a known one, not an address that nobody verified', async () => {
    const [person, unverified] = [await accounts.signUp(), await accounts.signUp()]
    await accounts.db.query('UPDATE users SET email_verified_at = now() WHERE id = $1', [person.user.id])
    await signIn(person, 'Test', '192.0.2.200')
    await signIn(unverified, firefox, '192.0.2.10')
    expect([await queued(person), await queued(unverified)]).toEqual([0, 0])

    const { session } = await signIn(person, firefox, '192.0.2.10')
    const mail = await mails.mailTo(person.user.email!, /new sign-in/)
    expect(mail.text).toContain('with Firefox, Linux, from 192.0.2.10 (Asheville, United States)')
    expect(mail.links[0]).toBe('http://localhost:3000/settings/sessions')
    // Also when that session has ended long ago.
    await accounts.web.revokeSession({ userId: person.user.id, params: { sessionId: session.id } })
    await signIn(person, firefox.replaceAll('140', '141'), '192.0.2.99')
    await delay(100)
    expect(await queued(person)).toBe(1)
    await signIn(person, firefox, '198.51.100.4')
    expect(await queued(person)).toBe(2)
  }, 120_000)
})
