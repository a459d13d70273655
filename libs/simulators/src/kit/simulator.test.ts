import { afterEach, describe, expect, test } from '@jest/globals'
import { createSimulator } from './simulator.ts'
import type { Simulator, SimulatorOptions } from './simulator.ts'
import type { Fault } from './faults.ts'

const open: Simulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})

async function start(options: SimulatorOptions = {}) {
  const dead = new Set<string>()
  let served = 0
  const simulator = await createSimulator(
    {
      name: 'toy',
      rateLimited: () => ({ status: 429, json: { error: 'slow down' } }),
      serverError: (status) => ({ status, json: { error: 'broken' } }),
      unauthorized: () => ({ status: 401, json: { error: 'who?' } }),
      notFound: () => ({ status: 404, json: { error: 'nothing' } }),
      revoke: (token) => void dead.add(token),
      truth: () => ({ served }),
      script: { serve: (many: number) => (served += many) },
    },
    (add) => {
      add('GET', '/things/:id', (call) => {
        served++
        return call.token !== null && dead.has(call.token)
          ? { status: 401, json: { error: 'who?' } }
          : { json: { id: call.params.id, pad: 'x'.repeat(4000) } }
      })
      add('GET', '/stream', () => ({
        stream: (async function* () {
          for (let i = 0; i < 10; i++) yield Buffer.alloc(500, i)
        })(),
      }))
    },
    options,
  )
  open.push(simulator)
  const get = (path = '/things/1', token?: string) =>
    fetch(simulator.url + path, { headers: token ? { authorization: `Bearer ${token}` } : {}, signal: AbortSignal.timeout(300) })
  return { simulator, get }
}

const failed = async (reply: Promise<Response>) =>
  reply
    .then((response) => response.arrayBuffer())
    .then(
      () => 'fine',
      (error: Error) => (error.name === 'TimeoutError' ? 'timeout' : 'cut'),
    )

describe('faults as a plain client sees them', () => {
  test.each<[Fault, string]>([
    [{ kind: 'reset' }, 'cut'],
    [{ kind: 'short-body' }, 'cut'],
    [{ kind: 'reply-lost' }, 'cut'],
    [{ kind: 'stall' }, 'timeout'],
    [{ kind: 'stall', in: 'body', afterBytes: 10 }, 'timeout'],
    [{ kind: 'stall', ms: 30 }, 'fine'],
    [{ kind: 'stall', in: 'body', ms: 30 }, 'fine'],
  ])('%j: %s', async (fault, expected) => {
    const { simulator, get } = await start()
    simulator.faults.add({ ...fault, next: 1 })
    expect(await failed(get())).toBe(expected)
    expect(await failed(get())).toBe('fine')
    expect(simulator.counters.snapshot().faults).toEqual({ [fault.kind]: 1 })
  })

  test.each(['reset', 'short-body'] as const)('%s in the middle of a stream', async (kind) => {
    const { simulator, get } = await start()
    simulator.faults.add({ kind, next: 1, afterBytes: 1200 })
    expect(await failed(get('/stream'))).toBe('cut')
    expect((await (await get('/stream')).arrayBuffer()).byteLength).toBe(5000)
  })

  test('a lost reply was carried out; a rate-limited request was not', async () => {
    const { simulator, get } = await start()
    simulator.faults.add({ kind: 'reply-lost', at: 1 })
    simulator.faults.add({ kind: 'rate-limited', retryAfterSeconds: 7, at: 2 })
    await failed(get())
    const reply = await get()
    expect([reply.status, reply.headers.get('retry-after'), await reply.json()]).toEqual([429, '7', { error: 'slow down' }])
    expect(simulator.truth()).toEqual({ served: 1 })
  })

  test('truncated: a correct answer with half of the body', async () => {
    const { simulator, get } = await start()
    simulator.faults.add({ kind: 'truncated', next: 1 })
    const reply = await get()
    const text = await reply.text()
    expect(text.length).toBe(Number(reply.headers.get('content-length')))
    expect(() => JSON.parse(text) as unknown).toThrow()
  })

  test('server error, HTML, 401 once, token revoked for good', async () => {
    const { simulator, get } = await start()
    simulator.faults.add({ kind: 'server-error', status: 502, at: 1 })
    simulator.faults.add({ kind: 'html', at: 2 })
    simulator.faults.add({ kind: 'unauthorized', at: 3 })
    simulator.faults.add({ kind: 'token-revoked', at: 5 })
    const statuses: number[] = []
    const types: (string | null)[] = []
    for (let i = 0; i < 6; i++) {
      const reply = await get('/things/1', 'tok')
      statuses.push(reply.status)
      types.push(reply.headers.get('content-type'))
      await reply.text()
    }
    expect(statuses).toEqual([502, 200, 401, 200, 401, 401])
    expect(types[1]).toContain('text/html')
    expect(JSON.stringify(simulator.log.entries())).not.toContain('"tok"')
  })

  test('by route, by number, by rate; the same seed strikes the same requests', async () => {
    const strikes = async () => {
      const { simulator, get } = await start({ seed: 'rate' })
      simulator.faults.add({ kind: 'server-error', route: 'GET /things/:id', rate: 0.4 })
      simulator.faults.add({ kind: 'server-error', route: '/stream', at: [2, 3] })
      const seen: number[] = []
      for (let i = 0; i < 20; i++) seen.push((await get()).status)
      for (let i = 0; i < 4; i++) seen.push((await get('/stream')).status)
      return seen
    }
    const first = await strikes()
    expect(first.slice(20)).toEqual([200, 503, 503, 200])
    expect(first.slice(0, 20).filter((status) => status === 503).length).toBeGreaterThan(3)
    expect(await strikes()).toEqual(first)
  })

  test('latency for every answer and by fault adds up', async () => {
    const { simulator, get } = await start({ latencyMs: 40 })
    simulator.faults.add({ kind: 'latency', ms: 40 })
    const before = performance.now()
    await (await get()).text()
    expect(performance.now() - before).toBeGreaterThan(75)
  })
})

describe('counters', () => {
  test('routes, callers at the same time, calls before Retry-After ended', async () => {
    const { simulator, get } = await start({ latencyMs: 200 })
    await Promise.all(['a', 'a', 'a', 'b'].map((token) => get('/things/1', token).then((reply) => reply.text())))
    simulator.faults.add({ kind: 'rate-limited', retryAfterSeconds: 1, next: 1 })
    await (await get('/things/2', 'a')).text()
    await new Promise((resolve) => setTimeout(resolve, 260))
    await (await get('/things/2', 'b')).text()
    expect(simulator.counters.snapshot().callsBeforeRetryAfter).toBe(0)
    await (await get('/things/2', 'a')).text()
    const counts = simulator.counters.snapshot()
    expect(counts.routes).toEqual({ 'GET /things/:id': 7 })
    expect(counts.callsBeforeRetryAfter).toBe(1)
    expect(Object.values(counts.callers).map((caller) => caller.concurrentMax)).toEqual([3, 1])
    expect(counts.concurrentMax).toBe(4)
    simulator.counters.reset()
    expect(simulator.counters.snapshot().total).toBe(0)
  })

  test('a client that leaves is counted, and closing ends what stalls', async () => {
    const { simulator, get } = await start()
    simulator.faults.add({ kind: 'latency', ms: 5000, next: 1 })
    expect(await failed(get())).toBe('timeout')
    simulator.faults.add({ kind: 'stall' })
    const waiting = failed(get())
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(simulator.counters.snapshot()).toMatchObject({ abandoned: 1, concurrentNow: 1 })
    await simulator.close()
    expect(await waiting).toBe('cut')
  })
})

test('control routes: counters, log, truth, faults and scripts over HTTP, themselves not counted', async () => {
  const { simulator, get } = await start()
  const control = async (method: string, path: string, body?: unknown) =>
    (await (
      await fetch(`${simulator.url}/__sim/${path}`, { method, body: body === undefined ? null : JSON.stringify(body) })
    ).json()) as unknown
  await control('POST', 'faults', { kind: 'server-error', next: 1 })
  expect((await get()).status).toBe(503)
  expect(await control('POST', 'script/serve', [41])).toBe(41)
  expect(await control('GET', 'truth')).toEqual({ served: 41 })
  expect(await control('GET', 'counters')).toMatchObject({ total: 1 })
  expect(await control('GET', 'log')).toMatchObject([{ number: 1, path: '/things/1', status: 503, fault: 'server-error' }])
  expect(await control('POST', 'script/toString')).toMatchObject({ error: 'no script function toString' })
})

test('a vendor that takes bodies as they come gets them piece by piece, and what it leaves does not break the connection', async () => {
  const simulator = await createSimulator(
    {
      name: 'taker',
      rateLimited: () => ({ status: 429 }),
      serverError: (status) => ({ status }),
      unauthorized: () => ({ status: 401 }),
      notFound: () => ({ status: 404 }),
      takesStream: (routeKey) => routeKey.startsWith('POST /take'),
      truth: () => null,
    },
    (add) => {
      add('POST', '/take', async ({ incoming, body }) => {
        let [length, pieces] = [body.length, 0]
        for await (const piece of incoming!) [length, pieces] = [length + piece.length, pieces + 1]
        const stream = (async function* () {
          yield Buffer.from(`${length} `)
          yield Buffer.from(pieces > 1 ? 'many' : 'one')
        })()
        return { stream, length: `${length} many`.length }
      })
      add('POST', '/take/nothing', () => ({ text: 'no, thanks' }))
    },
  )
  open.push(simulator)
  const post = async (path: string, mebibytes = 1) => {
    let left = mebibytes
    const chunk = Buffer.alloc(1024 * 1024)
    const body = new ReadableStream<Uint8Array>({ pull: (to) => (left-- > 0 ? to.enqueue(chunk) : to.close()) })
    const reply = await fetch(simulator.url + path, { method: 'POST', body, duplex: 'half' } as RequestInit)
    return [reply.status, reply.headers.get('content-length'), await reply.text()]
  }
  expect(await post('/take', 65)).toEqual([200, '13', '68157440 many'])
  expect(await post('/take/nothing')).toEqual([200, '10', 'no, thanks'])
  simulator.faults.add({ kind: 'rate-limited', retryAfterSeconds: 1, next: 1 })
  expect(await post('/take')).toEqual([429, '0', ''])
})
