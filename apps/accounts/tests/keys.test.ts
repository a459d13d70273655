import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Connection } from '@asheville/clients'
import { sealedPlaces } from '../src/rotation/sealed-places.ts'
import { credentialBinding, type CredentialField } from '../src/queries/credentials.ts'
import { createSealing } from '../src/sealing.ts'
import { startOAuthServer, type OAuthServer } from './oauth-server.ts'
import { errorOf, kindThrown, startAccounts, type Accounts, type Person, type RunningAccounts } from './start-accounts.ts'

const connections = 5000

let accounts: RunningAccounts
let server: OAuthServer
let alice: Person
let meadow: Connection

beforeAll(async () => {
  server = await startOAuthServer()
  accounts = await startAccounts()
  alice = await accounts.signUp()
  meadow = await connect(alice, 'alice')
})
afterAll(async () => {
  await accounts.close()
  await server.close()
})

async function connect({ user, session }: Person, account: string): Promise<Connection> {
  const body = { provider: 'meadow', fields: { server: server.url }, sessionId: session.id, reconnects: null }
  const reply = await accounts.web.beginConnect({ userId: user.id, body })
  if (reply.next !== 'authorize') throw new Error('connected at once')
  const callback = server.authorize(reply.url, account)
  const done = await accounts.web.finishConnect({ userId: user.id, body: { provider: 'meadow', sessionId: session.id, callback } })
  return done.connection
}

const access = (client: Accounts, connectionId: string, rejected: string | null = null, userId = alice.user.id) =>
  client.getAccess({ userId, params: { connectionId }, body: { rejected } })

/** As many connections as that one, each with a grant of its own at the provider. */
async function multiply(count: number): Promise<string[]> {
  const sealing = createSealing(accounts.credentialKeys)
  const ids = Array.from({ length: count }, () => randomUUID())
  const grants = ids.map((id) => ({ account: id, accessToken: randomUUID(), refreshToken: randomUUID(), isRevoked: false }))
  server.grants.push(...grants)
  await accounts.db.query(
    `INSERT INTO connections (id, user_id, kind, provider, account_id, handle, title, server, fields, storage_id, registration_id, endpoints, state)
     SELECT i.id, user_id, kind, provider, i.id::text, handle, title, server, fields, storage_id, registration_id, endpoints, state
     FROM connections c, unnest($2::uuid[]) AS i (id) WHERE c.id = $1`,
    [meadow.id, ids],
  )
  for (const [field, name] of [
    ['access_token', 'accessToken'],
    ['refresh_token', 'refreshToken'],
  ] as const) {
    const sealed = grants.map((grant) => sealing.seal(grant[name], credentialBinding(alice.user.id, 'meadow', grant.account, field)))
    await accounts.db.query(
      `INSERT INTO credentials (connection_id, user_id, field, sealed, key_id, expires_at)
       SELECT s.id, $1, $2, s.sealed, 'test', CASE $2 WHEN 'access_token' THEN now() + interval '1 hour' END
       FROM unnest($3::uuid[], $4::bytea[]) AS s (id, sealed)`,
      [alice.user.id, field, ids, sealed.map((each) => each.sealed)],
    )
  }
  return ids
}

type Key = RunningAccounts['credentialKeys'][number]

/** Runs a process until it says that nothing is sealed by the older key. */
async function rotateTo(key: Key, older: Key): Promise<void> {
  const from = accounts.lines.length
  const process = await accounts.startAnother({ credentialKeys: [key, older] })
  const isDone = (line: string) => line.includes('nothing is sealed by the older keys any more') && line.includes(`"keyId":"${key.id}"`)
  while (!accounts.lines.slice(from).some(isDone)) await delay(20)
  await process.close()
}

describe('keys', () => {
  test('every table with a key id is sealed anew when keys change', async () => {
    const rows = await accounts.db.query<{ table: string }>(
      `SELECT table_name AS table FROM information_schema.columns WHERE table_schema = 'accounts' AND column_name = 'key_id' ORDER BY 1`,
    )
    const known = [...sealedPlaces.map(({ table }) => table), 'key_checks']
    expect(rows.map(({ table }) => table)).toEqual(known.sort())
  })

  test(`${2 * connections} credentials change keys while tokens are read and refreshed: none fails; then the old key can go`, async () => {
    const ids = await multiply(connections)
    const [test] = accounts.credentialKeys
    const fresh = { id: 'fresh', secret: randomBytes(32) }
    // As when processes are restarted one after the other: all know both keys before the first of them seals with the new one.
    const before = await accounts.startAnother({ credentialKeys: [test!, fresh] })
    const startedAt = performance.now()
    const after = await accounts.startAnother({ credentialKeys: [fresh, test!] })
    const clients = [before, after].map(({ url }) => accounts.clientOf('workers', url))
    const seen = { reads: 0, refreshes: 0, failed: [] as string[], slowestMs: 0 }
    const { reuses } = server.counts
    let isDone = false
    let doneMs = 0

    async function read(client: Accounts): Promise<void> {
      while (!isDone) {
        const id = ids[Math.floor(Math.random() * ids.length)]!
        const askedAt = performance.now()
        try {
          const { accessToken } = await access(client, id)
          seen.reads += 1
          if (Math.random() < 0.1) {
            await access(client, id, accessToken)
            seen.refreshes += 1
          }
        } catch (error) {
          seen.failed.push(String(error))
        }
        seen.slowestMs = Math.max(seen.slowestMs, performance.now() - askedAt)
      }
    }

    async function watch(): Promise<void> {
      for (;;) {
        const [row] = await accounts.db.query<{ count: number }>("SELECT count(*) FROM credentials WHERE key_id = 'test'")
        if (row!.count === 0) break
        await delay(50)
      }
      doneMs = performance.now() - startedAt
      // What is read after the last was sealed anew must be right too.
      await delay(200)
      isDone = true
    }

    await Promise.all([watch(), ...clients.flatMap((client) => [read(client), read(client), read(client)])])
    const figures = {
      ...seen,
      failed: seen.failed.length,
      slowestMs: Math.round(seen.slowestMs),
      rotationMs: Math.round(doneMs),
      reuses: server.counts.reuses - reuses,
    }
    process.stderr.write(`Keys: ${2 * connections} credentials under load: ${JSON.stringify(figures)}\n`)
    expect(seen.failed).toEqual([])
    expect(figures.reuses).toBe(0)
    expect(seen.refreshes).toBeGreaterThan(0)

    const metrics = await (await fetch(`${after.url}/metrics`)).text()
    expect(metrics).toMatch(/^asheville_sealed_rows\{key="test"\} \d+$/m)
    await before.close()
    await after.close()
    await rotateTo(fresh, test!)

    for (const [credentialKeys, words] of [
      [[test!], /^CREDENTIAL_KEYS: key fresh is missing, and \d+ secrets are still sealed with it/],
      [[{ ...fresh, secret: randomBytes(32) }, test!], /^CREDENTIAL_KEYS: key fresh is not the one that secrets were sealed with/],
    ] as const)
      expect((await errorOf(accounts.startAnother({ credentialKeys: [...credentialKeys] }))).message).toMatch(words)
    const alone = await accounts.startAnother({ credentialKeys: [fresh] })
    const { accessToken } = await access(accounts.clientOf('workers', alone.url), ids[0]!)
    expect(accessToken).toBe(server.grants.find(({ account }) => account === ids[0])!.accessToken)
    await alone.close()
    await accounts.db.query('DELETE FROM connections WHERE id = ANY ($1)', [ids])
    // Back to the key that the other tests know, as an operator might.
    await rotateTo(test!, fresh)
    expect(await access(accounts.workers, meadow.id)).toMatchObject({ accessToken: server.grants[0]!.accessToken })
  }, 180_000)

  test('of 100 ciphertexts no bit can be changed, and none can be cut', async () => {
    const sealing = createSealing(accounts.credentialKeys)
    let opened = 0
    let tried = 0
    for (let index = 0; index < 100; index += 1) {
      const binding = credentialBinding(randomUUID(), 'meadow', randomUUID(), index % 2 ? 'access_token' : 'refresh_token')
      const { keyId, sealed } = sealing.seal(randomBytes(24).toString('base64url'), binding)
      const attempt = (changed: Uint8Array) => {
        tried += 1
        try {
          sealing.open({ keyId, sealed: changed }, binding)
          opened += 1
        } catch {
          // As it must.
        }
      }
      for (let bit = 0; bit < sealed.length * 8; bit += 1) {
        const changed = Buffer.from(sealed)
        changed[bit >> 3]! ^= 1 << (bit & 7)
        attempt(changed)
      }
      for (let length = 0; length < sealed.length; length += 1) attempt(sealed.subarray(0, length))
    }
    process.stderr.write(`Keys: ${tried} changed ciphertexts, ${opened} opened\n`)
    expect(opened).toBe(0)
  }, 60_000)

  test('a row moved to another person, network, connection or field opens nothing', async () => {
    const again = await connect(alice, 'alice’s other')
    const bob = await accounts.signUp()
    const his = await connect(bob, 'bob')
    const read = async (id: string, field: CredentialField) =>
      (
        await accounts.db.query<{ sealed: Uint8Array; keyId: string }>(
          'SELECT sealed, key_id AS "keyId" FROM credentials WHERE connection_id = $1 AND field = $2',
          [id, field],
        )
      )[0]!
    const write = (id: string, { sealed, keyId }: { sealed: Uint8Array; keyId: string }) =>
      accounts.db.query("UPDATE credentials SET sealed = $2, key_id = $3 WHERE connection_id = $1 AND field = 'access_token'", [
        id,
        sealed,
        keyId,
      ])
    const original = await read(meadow.id, 'access_token')
    for (const foreign of [
      await read(his.id, 'access_token'),
      await read(again.id, 'access_token'),
      await read(meadow.id, 'refresh_token'),
    ]) {
      await write(meadow.id, foreign)
      expect(await kindThrown(access(accounts.workers, meadow.id))).toBe('unexpected')
    }
    await write(meadow.id, original)
    await accounts.db.query("UPDATE connections SET provider = 'marsh' WHERE id = $1", [meadow.id])
    expect(await kindThrown(access(accounts.workers, meadow.id))).toBe('unexpected')
    await accounts.db.query("UPDATE connections SET provider = 'meadow' WHERE id = $1", [meadow.id])
    await accounts.db.query('UPDATE connections SET user_id = $2 WHERE id = $1', [meadow.id, bob.user.id])
    await accounts.db.query('UPDATE credentials SET user_id = $2 WHERE connection_id = $1', [meadow.id, bob.user.id])
    expect(await kindThrown(access(accounts.workers, meadow.id, null, bob.user.id))).toBe('unexpected')
    await accounts.db.query('UPDATE connections SET user_id = $2 WHERE id = $1', [meadow.id, alice.user.id])
    await accounts.db.query('UPDATE credentials SET user_id = $2 WHERE connection_id = $1', [meadow.id, alice.user.id])
    expect((await access(accounts.workers, meadow.id)).accessToken).toBe(server.grants[0]!.accessToken)
  })
})
