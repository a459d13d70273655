import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { route } from '@asheville/core'
import { z } from 'zod'
import { bind } from './binding.ts'
import { startTestService, type TestService } from './start-test-service.ts'
import { answeredAgain } from './written-replies.ts'

const thing = route({
  method: 'GET',
  path: '/v1/thing',
  summary: 'One',
  policy: { who: 'anyone' },
  reply: z.strictObject({ name: z.string().min(3) }),
  etag: true,
})

let service: TestService
let reply: { name: string }
beforeAll(async () => {
  service = await startTestService({ bindings: [bind(thing, async () => reply)] })
})
afterAll(() => service.close())

const ask = async () => {
  const response = await fetch(`${service.url}/v1/thing`)
  return [response.status, response.headers.get('etag'), await response.text()]
}

test('a reply that is said to be answered again is written once, any other each time', async () => {
  reply = answeredAgain({ name: 'One' })
  const first = await ask()
  expect(first).toEqual([200, expect.any(String), '{"name":"One"}'])
  reply.name = 'Two'
  expect(await ask()).toEqual(first)
  reply = { name: 'Three' }
  expect((await ask())[2]).toBe('{"name":"Three"}')
  reply.name = 'Four'
  expect((await ask())[2]).toBe('{"name":"Four"}')
})

test('one outside its contract is never answered', async () => {
  reply = answeredAgain({ name: '' })
  expect([(await ask())[0], (await ask())[0]]).toEqual([500, 500])
})
