import { expect, test } from '@jest/globals'
import { isRedisUrl, redisAddresses } from './redis-addresses.ts'

test('one address is a server, several with commas between them are nodes of a cluster', () => {
  expect(redisAddresses('redis://example.org')).toEqual([{ host: 'example.org', port: 6379, tls: false }])
  expect(redisAddresses('rediss://ann:a%40b@one:7000/2, rediss://[::1]:7001')).toEqual([
    { host: 'one', port: 7000, username: 'ann', password: 'a@b', tls: true },
    { host: '::1', port: 7001, tls: true },
  ])
})

test.each(['', 'redis://', 'http://one', 'one:6379', 'redis://one,', 'redis://one,http://two'])(
  '%j is none, and is not repeated',
  (text) => {
    expect(isRedisUrl(text)).toBe(false)
    expect(() => redisAddresses(text)).toThrow(/^must be a redis:\/\/ address, or several/)
  },
)
