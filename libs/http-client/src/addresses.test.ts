import { describe, expect, test } from '@jest/globals'
import { canonicalHostname, createAllowList, isPublicAddress } from './addresses.ts'

describe('isPublicAddress', () => {
  test.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::127.0.0.1',
    '::8.8.8.8',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:0:127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::8.8.8.8',
    '2002:7f00:1::',
    '2002:808:808::1',
    '2001:0:1::1',
    '2001:db8::1',
    '3fff::1',
    '5f00::1',
    '100::1',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '4000::1',
    'example.org',
    '',
    '1.2.3.4.5',
  ])('not %p', (address) => expect(isPublicAddress(address)).toBe(false))

  test.each([
    '1.1.1.1',
    '8.8.8.8',
    '172.32.0.1',
    '192.169.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '2606:4700::1111',
    '2a00:1450:4001::1',
  ])('%p', (address) => expect(isPublicAddress(address)).toBe(true))
})

describe('createAllowList', () => {
  test('exactly this host at this port, or a range at any', () => {
    const allow = createAllowList(['NAS.local:8080', '[::1]:3000', '0x7f.1:81', '192.168.1.0/24', 'fd00::/8', '10.0.0.7'])
    expect(allow.hasHost('nas.local', 8080) && allow.hasHost('::1', 3000) && allow.hasHost('127.0.0.1', 81)).toBe(true)
    expect(allow.hasHost('nas.local', 80) || allow.hasHost('a.nas.local', 8080) || allow.hasHost('127.0.0.1', 3000)).toBe(false)
    expect(['192.168.1.9', '::ffff:192.168.1.9', 'fd12::1', '10.0.0.7'].every(allow.hasAddress)).toBe(true)
    expect(['192.168.2.1', '10.0.0.8', 'fe80::1', 'nas.local', '127.0.0.1'].some(allow.hasAddress)).toBe(false)
  })

  test.each(['nas.local', 'http://nas.local:80', 'a b:80', ':80', 'nas:0', 'nas:99999', '10.0.0.0/33', '*', '10.0.0:80/x', '::1:x'])(
    'refuses %p',
    (entry) => expect(() => createAllowList([entry])).toThrow('OUTBOUND_ALLOW'),
  )
})

test.each([
  ['EXAMPLE.org.', 'example.org'],
  ['0x7f.1', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['017700000001', '127.0.0.1'],
  ['[::1]', '::1'],
  ['0:0::1', '::1'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['①②⑦.0.0.1', '127.0.0.1'],
  ['a/b', null],
  ['a@b', null],
  ['a b', null],
  ['', null],
  ['999.1.1.1', null],
])('canonicalHostname(%p)', (host, canonical) => expect(canonicalHostname(host)).toBe(canonical))
