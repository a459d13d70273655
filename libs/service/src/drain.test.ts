import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { route } from '@asheville/core'
import { z } from 'zod'
import { bind } from './binding.ts'
import { openEvents } from './open-events.ts'
import { startTestService } from './start-test-service.ts'

const policy = { who: 'anyone' } as const
const work = route({ method: 'GET', path: '/work', summary: 'Takes a while', policy, reply: z.strictObject({ done: z.boolean() }) })
const events = route({ method: 'GET', path: '/events', summary: 'Never ends', policy, reply: 'events' })
const stuck = route({ method: 'GET', path: '/stuck', summary: 'Ignores its signal', policy, reply: 'none' })

function start(options: { workMs?: number; drainMs?: number; close?: () => Promise<void>; onWorked?: () => void } = {}) {
  const { workMs = 300, onWorked, ...rest } = options
  return startTestService({
    ...rest,
    bindings: [
      bind(work, async () => {
        await pause(workMs)
        onWorked?.()
        return { done: true }
      }),
      bind(events, async (call) => {
        await openEvents(call).send({ data: 'hello' })
      }),
      bind(stuck, () => new Promise<void>(() => undefined)),
    ],
  })
}

describe('closing', () => {
  test('a handler that writes on after its stream was ended harms nobody', async () => {
    const careless = bind({ ...events, path: '/careless' }, async ({ response }) => {
      response.set('content-type', 'text/event-stream')
      for (let i = 0; i < 20; i++) {
        response.write(':\n\n')
        await pause(20)
      }
    })
    const service = await startTestService({ bindings: [careless] })
    const stream = await fetch(`${service.url}/careless`)
    await service.close()
    expect(await stream.text()).toContain(':')
    await pause(400)
  })

  test('lets requests in flight end, ends streams, refuses new ones, then closes what is held', async () => {
    const order: string[] = []
    const service = await start({ close: async () => void order.push('held'), onWorked: () => order.push('worked') })
    const inFlight = fetch(`${service.url}/work`).then(async (response) => {
      const body: unknown = await response.json()
      return { body, connection: response.headers.get('connection') }
    })
    const stream = await fetch(`${service.url}/events`)
    await pause(50)
    const started = performance.now()
    const closed = service.close()
    expect(service.close()).toBe(closed)
    await pause(20)
    await expect(canConnect(service.url)).resolves.toBe(false)
    expect(await inFlight).toEqual({ body: { done: true }, connection: 'close' })
    expect(await stream.text()).toContain('data: "hello"')
    await closed
    expect(order).toEqual(['worked', 'held'])
    expect(performance.now() - started).toBeLessThan(1500)
  })

  test('ends a stream that is passed on, and logs no failure', async () => {
    let isLetGo = false
    const source = new Readable({ read: () => undefined, destroy: (error, done) => done(((isLetGo = true), error)) })
    const service = await startTestService({
      bindings: [bind({ ...events, path: '/relay' }, async () => ({ headers: { 'content-type': 'text/event-stream' }, body: source }))],
    })
    // The head is there before the first event.
    const stream = await fetch(`${service.url}/relay`)
    source.push('data: 1\n\n')
    await pause(20)
    await service.close()
    expect(await stream.text()).toBe('data: 1\n\n')
    expect(isLetGo).toBe(true)
    expect(service.log.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('does not wait longer than its deadline', async () => {
    const service = await start({ drainMs: 300 })
    const cut = fetch(`${service.url}/stuck`).catch((error: unknown) => error)
    await pause(50)
    const started = performance.now()
    await service.close()
    expect(performance.now() - started).toBeLessThan(800)
    expect(await cut).toBeDefined()
  })

  test('answers whoever the system has let in already', async () => {
    const service = await start({ workMs: 1 })
    const asked = Array.from(
      { length: 60 },
      () =>
        new Promise<number | undefined>((resolve, reject) => {
          const sent = httpRequest(`${service.url}/work`, { agent: false }, (response) => resolve(response.resume().statusCode))
          sent.once('error', reject).end()
        }),
    )
    // They connect now, and the service has had no turn to take them.
    await new Promise<void>((resolve) => process.nextTick(resolve))
    const closed = service.close()
    expect(await Promise.all(asked)).toEqual(asked.map(() => 200))
    await closed
  })

  test('fails no request of a client that keeps its connections', async () => {
    let failed = 0
    let refused = 0
    let answered = 0
    for (let round = 0; round < 5; round++) {
      const service = await start({ workMs: 5 })
      const agent = new Agent({ keepAlive: true, maxSockets: 20 })
      let isOver = false
      const send = () =>
        new Promise<void>((resolve) => {
          const sent = httpRequest(`${service.url}/work`, { agent }, (response) =>
            response.resume().once('end', () => resolve(void answered++)),
          )
          sent.once('error', (error: NodeJS.ErrnoException) => {
            // A new connection that was never taken: another process would have taken it.
            if (error.code === 'ECONNREFUSED' || !sent.reusedSocket) refused++
            else failed++
            isOver = true
            resolve()
          })
          sent.end()
        })
      const clients = Array.from({ length: 20 }, async () => {
        while (!isOver) await send()
      })
      await pause(100)
      while (answered < (round + 1) * 40) await pause(10)
      await service.close()
      await Promise.all(clients)
      agent.destroy()
    }
    expect({ failed, wasRefused: refused > 0, wasAnswered: answered > 200 }).toEqual({ failed: 0, wasRefused: true, wasAnswered: true })
  })
})

function canConnect(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => resolve(true))
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy())
  })
}
