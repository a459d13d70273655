import { expect, test } from '@jest/globals'
import { deviceName } from './device-name.ts'
import { networkOf } from './known-devices.ts'

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox', 'Linux', 'desktop'],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
    'Safari',
    'iOS',
    'mobile',
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
    'Microsoft Edge',
    'Windows',
    'desktop',
  ],
  ['curl/8.5.0', 'curl', null, 'other'],
  ['Test', 'Test', null, 'other'],
  ['', null, null, 'other'],
  ['\u202e<script>', null, null, 'other'],
])('%s is %s on %s', (userAgent, browser, system, kind) => {
  expect(deviceName(userAgent)).toEqual({ browser, system, kind })
})

test('whatever is written there is read in no time', () => {
  const startedAt = performance.now()
  for (const part of ['Mozilla/5.0 (', '(((((', ' Version/', 'a/1 ', 'Chrome/', ';;;;', 'Android '])
    deviceName(part.repeat(500).slice(0, 500))
  expect(performance.now() - startedAt).toBeLessThan(1000)
})

test('addresses of one network are one', () => {
  expect(networkOf('192.0.2.1')).toBe(networkOf('192.0.2.77'))
  expect(networkOf('::ffff:192.0.2.1')).toBe(networkOf('192.0.2.1'))
  expect(networkOf('192.0.3.1')).not.toBe(networkOf('192.0.2.1'))
  expect(networkOf('2001:db8:1:2::3')).toBe(networkOf('2001:db8:1:ffff::1'))
  expect(networkOf('2001:db8:2:2::3')).not.toBe(networkOf('2001:db8:1:2::3'))
})
