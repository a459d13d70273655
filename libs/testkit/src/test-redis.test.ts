import { expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { testRedis } from './test-redis.ts'

test('every caller gets an empty database of its own', async () => {
  const [left, right] = await Promise.all([testRedis(), testRedis()])
  const [one, two] = [new Redis(left.url), new Redis(right.url)]
  await one.set('key', 'value')
  expect(await two.get('key')).toBeNull()
  expect(await one.get('key')).toBe('value')
  one.disconnect()
  two.disconnect()
  await Promise.all([left.close(), right.close()])
})
