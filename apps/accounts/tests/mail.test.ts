import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { startMailServer, type MailServer } from '@asheville/testkit/mail-server'
import { startAccounts, type RunningAccounts } from './start-accounts.ts'

// Mail has its own pace.
jest.setTimeout(120_000)

const from = 'Asheville <post@asheville.example>'
const name = 'Ann <b>"O\'Neil" & sons'
const password = 'a calm blue ridge'

const signUp = async (accounts: RunningAccounts, email = `${randomUUID()}@example.org`) => ({
  email,
  user: await accounts.web.createUser({ body: { name, email, password, locale: 'en' } }),
})

/** Waits until nothing is to be sent any more. */
async function untilSent({ db }: RunningAccounts): Promise<void> {
  for (let round = 0; round < 600; round += 1) {
    if ((await db.query('SELECT FROM mails')).length === 0) return
    await delay(100)
  }
  throw new Error('Mail is left')
}

describe('mail', () => {
  let server: MailServer
  let accounts: RunningAccounts
  beforeAll(async () => {
    server = await startMailServer({ login: { user: 'post', pass: 'smtp-canary' } })
    accounts = await startAccounts({ mail: { url: server.url, from } })
  })
  afterAll(async () => {
    await accounts.close()
    await server.close()
  })

  test('a mail is plain text and HTML, from whom the operator says, with an id of its own, and says what it is', async () => {
    const { email } = await signUp(accounts)
    const mail = await server.mailTo(email)
    expect(mail).toMatchObject({ from: 'post@asheville.example', subject: 'Is this your e-mail address?' })
    expect(mail.messageId).toMatch(/^<[0-9a-f-]{36}@asheville\.example>$/)
    expect(mail.text).toContain(`Hello ${name},`)
    expect(mail.html).toContain('Hello Ann &#60;b&#62;&#34;O&#39;Neil&#34; &#38; sons,')
    expect(mail.links[0]).toMatch(/^http:\/\/localhost:3000\/verify-email\?token=[\w-]{43}$/)
    expect(mail.html).toContain(`href="${mail.links[0]}"`)
  })

  test('whoever reads the database reads no address, no link and no token; whoever reads the logs neither', async () => {
    server.refused.add('unknown@example.org')
    const { email } = await signUp(accounts, 'unknown@example.org')
    await untilSent(accounts)
    const written = accounts.lines.join('\n')
    expect(written).toContain('a mail was given up')
    expect(written).toContain('"responseCode":550')
    for (const secret of [email, 'smtp-canary', name, 'verify-email?token']) expect(written).not.toContain(secret)

    // Nobody sends in this one.
    const silent = await startAccounts({ mail: { url: 'smtp://127.0.0.1:9', from } })
    try {
      await signUp(silent, 'canary@example.org')
      const rows = await silent.db.query('SELECT m::text AS row FROM mails m UNION ALL SELECT t::text FROM mail_tokens t')
      expect(rows).toHaveLength(2)
      const [mail] = await silent.db.query<{ text: string }>('SELECT m::text AS text FROM mails m')
      const hex = Buffer.from('canary@example.org').toString('hex')
      expect(mail!.text).not.toContain('canary')
      expect(mail!.text).not.toContain(hex)
    } finally {
      await silent.close()
    }
  })

  test('a refused recipient is given up, and keeps nobody else from getting theirs', async () => {
    server.refused.add('gone@example.org')
    const before = server.mails.length
    await signUp(accounts, 'gone@example.org')
    const { email } = await signUp(accounts)
    await server.mailTo(email)
    await untilSent(accounts)
    expect(server.mails.slice(before).map(({ to }) => to)).toEqual([email])
  })

  test('several processes send each mail once', async () => {
    const others = [await accounts.startAnother(), await accounts.startAnother()]
    try {
      const before = server.mails.length
      const people = await Promise.all(Array.from({ length: 20 }, () => signUp(accounts)))
      await untilSent(accounts)
      const sent = server.mails.slice(before)
      expect(sent.map(({ to }) => to).sort()).toEqual(people.map(({ email }) => email).sort())
      expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(20)
    } finally {
      await Promise.all(others.map((other) => other.close()))
    }
  })
})

test('the mail server is down, then up: the mail arrives, once; the outage is said once', async () => {
  const first = await startMailServer()
  const { port } = first
  await first.close()
  const accounts = await startAccounts({ mail: { url: first.url, from } })
  let server: MailServer | undefined
  try {
    const people = [await signUp(accounts), await signUp(accounts)]
    for (let round = 0; round < 600 && (await accounts.db.query('SELECT FROM mails WHERE attempts = 0')).length > 0; round += 1)
      await delay(100)
    expect(await accounts.db.query('SELECT FROM mails WHERE attempts > 0')).toHaveLength(2)
    server = await startMailServer({ port })
    // What was tried waits for a quarter of a minute at least; nobody waits for that here.
    for (let round = 0; round < 100 && (await accounts.db.query('SELECT FROM mails')).length > 0; round += 1) {
      await accounts.db.query("UPDATE mails SET claimable_at = now() WHERE claimable_at < now() + interval '100 seconds'")
      await delay(300)
    }
    await untilSent(accounts)
    await delay(3000)
    expect(server.mails.map(({ to }) => to).sort()).toEqual(people.map(({ email }) => email).sort())
    const lines = accounts.lines.join('\n')
    expect(lines.match(/mail cannot be sent; it is tried again/g)).toHaveLength(1)
    expect(lines.match(/mail can be sent again/g)).toHaveLength(1)
  } finally {
    await accounts.close()
    await server?.close()
  }
})

test('what cannot be sent is tried for three days, a link only while it lasts', async () => {
  const accounts = await startAccounts({ mail: { url: 'smtp://127.0.0.1:9', from } })
  try {
    const { user } = await signUp(accounts)
    const left = async (age: string) => {
      await accounts.db.query(`UPDATE mails SET attempts = 0, claimable_at = now(), created_at = now() - interval '${age}'`)
      for (let round = 0; round < 300; round += 1) {
        const [row] = await accounts.db.query<{ waits: boolean }>(
          "SELECT claimable_at BETWEEN now() AND now() + interval '20 seconds' AS waits FROM mails",
        )
        if (!row || row.waits) return row !== undefined
        await delay(100)
      }
      throw new Error('Nobody tried')
    }
    expect(await left('23 hours')).toBe(true)
    expect(await left('25 hours')).toBe(false)
    await accounts.db.query('DELETE FROM mails')
    await accounts.db.query('UPDATE users SET email_verified_at = now() WHERE id = $1', [user.id])
    const { session } = await accounts.web.createSession({
      body: { email: user.email!, password, device: { userAgent: '', address: '192.0.2.1' } },
    })
    await accounts.web.changePassword({ userId: user.id, body: { current: password, password: 'another long one', sessionId: session.id } })
    expect(await left('71 hours')).toBe(true)
    expect(await left('73 hours')).toBe(false)
    expect(accounts.lines.join('\n')).toContain('a mail was given up')
  } finally {
    await accounts.close()
  }
})
