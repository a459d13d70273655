import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { kindOf, type Network } from '@asheville/core'
import { startHttpProxy } from '../../../e2e/harness/http-proxy.ts'
import { diary, perServerNetwork } from './scripted-networks.ts'
import { device, errorOf, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'

/** A network where every sign-in makes a new account: whatever is done twice is seen twice. */
let signIns = 0
let gate: Promise<unknown> = Promise.resolve()
const ledger: Network = {
  ...diary,
  id: 'ledger',
  title: 'Ledger',
  logins: [
    {
      kind: 'fields',
      fields: [{ name: 'name', label: 'Name', kind: 'text' }],
      async signIn(fields) {
        signIns += 1
        await gate
        return { tokens: null, server: null, fields: { ...fields, account: randomUUID() } }
      },
    },
  ],
  account: async ({ fields }) => ({ id: fields['account'] ?? '', handle: fields['name'] ?? '', title: 'Ledger', url: null, declined: [] }),
}

let accounts: RunningAccounts
beforeAll(async () => {
  accounts = await startAccounts({ networks: [perServerNetwork('meadow'), diary, ledger] })
}, 60_000)
afterAll(() => accounts?.close())
beforeEach(() => {
  signIns = 0
  gate = Promise.resolve()
})

const bodyFor = ({ session }: Person, name: string) => ({ provider: 'ledger', fields: { name }, sessionId: session.id, reconnects: null })
const connect = (person: Person, name: string, idempotencyKey?: string, client = accounts.web) =>
  client.beginConnect({ userId: person.user.id, body: bodyFor(person, name), ...(idempotencyKey && { idempotencyKey }) })
const effectsOf = async (...people: Person[]) => {
  const rows = await accounts.db.query<{ handle: string }>(
    "SELECT handle FROM connections WHERE provider = 'ledger' AND user_id = ANY ($1)",
    [people.map(({ user }) => user.id)],
  )
  return rows.map(({ handle }) => handle)
}

describe('a request with a key', () => {
  test('1,000 of them, of every third of which the answer is lost, have 1,000 effects', async () => {
    const people = await Promise.all(Array.from({ length: 8 }, () => accounts.signUp()))
    const proxy = await startHttpProxy({ target: accounts.url, seed: 'figure 9' })
    proxy.faults.add({ kind: 'execute-and-time-out', ms: 0, rate: 0.3, route: /^POST \/v1\/connect/ })
    const client = accounts.clientOf('web', proxy.url)
    const counts = { keys: 0, requests: 0, lost: 0, same: 0 }

    async function untilAnswered(person: Person, index: number): Promise<void> {
      const key = randomUUID()
      const name = `account ${index}`
      counts.keys += 1
      for (;;) {
        counts.requests += 1
        const reply = await connect(person, name, key, client).catch((error: unknown) => error)
        if (!(reply instanceof Error)) {
          const again = await connect(person, name, key)
          if (JSON.stringify(again) === JSON.stringify(reply)) counts.same += 1
          return
        }
        if (kindOf(reply) !== 'unavailable') throw reply
        counts.lost += 1
      }
    }
    try {
      const left = Array.from({ length: 1000 }, (_, index) => index)
      await Promise.all(
        people.map(async (person) => {
          for (let index = left.pop(); index !== undefined; index = left.pop()) await untilAnswered(person, index)
        }),
      )
    } finally {
      await proxy.close()
    }
    const effects = await effectsOf(...people)
    process.stderr.write(`figure 9, lost answers: ${JSON.stringify({ ...counts, effects: effects.length, signIns })}\n`)
    expect(counts).toMatchObject({ keys: 1000, same: 1000 })
    expect(counts.lost).toBeGreaterThan(300)
    expect([effects.length, new Set(effects).size, signIns]).toEqual([1000, 1000, 1000])
  }, 300_000)

  test('50 at once with one key have one effect', async () => {
    const person = await accounts.signUp()
    const key = randomUUID()
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () =>
        connect(person, 'one', key).then(
          (reply) => JSON.stringify(reply),
          (error: { kind: string; retryAfterMs: number }) => `${error.kind}, again after ${error.retryAfterMs} ms`,
        ),
      ),
    )
    const counts = Map.groupBy(outcomes, (outcome) => outcome)
    const again = JSON.stringify(await connect(person, 'one', key))
    expect([...counts.keys()].filter((outcome) => outcome !== again && outcome !== 'conflict, again after 1000 ms')).toEqual([])
    expect(counts.get(again)?.length).toBeGreaterThan(0)
    expect([await effectsOf(person), signIns]).toEqual([['one'], 1])
    process.stderr.write(`figure 9, 50 at once: ${[...counts].map(([, { length }]) => length).join(' + ')} answers, 1 effect\n`)
  })

  test('with another body it is refused; of another person, or at another route, it is another key', async () => {
    const [alice, bob] = [await accounts.signUp(), await accounts.signUp()]
    const key = randomUUID()
    const reply = await connect(alice, 'hers', key)
    expect((await errorOf(connect(alice, 'other', key))).kind).toBe('conflict')
    await connect(bob, 'his', key)
    const finish = accounts.web.finishConnect({
      userId: alice.user.id,
      body: { provider: 'meadow', sessionId: alice.session.id, callback: { state: 'x' } },
      idempotencyKey: key,
    })
    expect((await errorOf(finish)).kind).toBe('forbidden')
    expect(await connect(alice, 'hers', key)).toEqual(reply)
    expect([await effectsOf(alice), await effectsOf(bob)]).toEqual([['hers'], ['his']])
  })

  test('is taken over from one who died, who can do nothing any more', async () => {
    const person = await accounts.signUp()
    const key = randomUUID()
    const stuck = Promise.withResolvers<undefined>()
    gate = stuck.promise
    const first = connect(person, 'once', key).catch((error: unknown) => error)
    while (signIns === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await errorOf(connect(person, 'once', key))).toMatchObject({ kind: 'conflict', retryAfterMs: 1000 })

    gate = Promise.resolve()
    await accounts.db.query("UPDATE idempotency_keys SET held_until = now() - interval '1 second'")
    const reply = await connect(person, 'once', key)
    stuck.resolve(undefined)
    expect(await first).toMatchObject({ kind: 'conflict' })
    expect(await connect(person, 'once', key)).toEqual(reply)
    expect([await effectsOf(person), signIns]).toEqual([['once'], 2])
  })

  test('that failed for a while is done when it is sent again', async () => {
    const person = await accounts.signUp()
    const key = randomUUID()
    gate = Promise.reject(new Error('broken'))
    gate.catch(() => undefined)
    expect((await errorOf(connect(person, 'late', key))).kind).toBe('unexpected')
    gate = Promise.resolve()
    await connect(person, 'late', key)
    expect(await effectsOf(person)).toEqual(['late'])
  })

  test('signs up once, and its answer is nowhere in clear', async () => {
    const email = `${randomUUID()}@example.org`
    const body = { name: 'Alice Retry', email, password: 'correct horse', locale: 'en' }
    const idempotencyKey = randomUUID()
    const user = await accounts.web.createUser({ body, idempotencyKey })
    expect(await accounts.web.createUser({ body, idempotencyKey })).toEqual(user)
    expect((await errorOf(accounts.web.createUser({ body: { ...body, password: 'another horse' }, idempotencyKey }))).kind).toBe('conflict')
    expect((await errorOf(accounts.web.createUser({ body }))).kind).toBe('conflict')
    await accounts.web.createSession({ body: { email, password: body.password, device } })

    const rows = await accounts.db.query<{ sealed: Uint8Array; userId: string }>(
      'SELECT sealed, user_id AS "userId" FROM idempotency_keys WHERE user_id = $1',
      [user.id],
    )
    expect(rows.map(({ userId }) => userId)).toEqual([user.id])
    expect(Buffer.from(rows[0]!.sealed).toString('latin1')).not.toMatch(/Alice|example|horse/)
  })

  test('is forgotten after a day', async () => {
    const person = await accounts.signUp()
    const key = randomUUID()
    await connect(person, 'first', key)
    await accounts.db.query("UPDATE idempotency_keys SET expires_at = now() - interval '1 second'")
    await connect(person, 'second', key)
    expect((await effectsOf(person)).sort()).toEqual(['first', 'second'])
  })
})
