import { expect, test } from '@jest/globals'
import { addressBlock } from './address-block.ts'

test('IPv4 is counted by address, IPv6 by what one household gets, however it is written', () => {
  expect(addressBlock('192.0.2.7')).toBe('192.0.2.7')
  expect(addressBlock('::ffff:192.0.2.7')).toBe('192.0.2.7')
  for (const address of ['2001:db8:1:2:3:4:5:6', '2001:0DB8:0001:2::9', '2001:db8:1:2::', '2001:db8:1:2:ffff::1'])
    expect(addressBlock(address)).toBe('2001:db8:1:2::/64')
  expect(addressBlock('2001:db8:1:3::1')).toBe('2001:db8:1:3::/64')
  expect(addressBlock('::1')).toBe('0:0:0:0::/64')
  expect(addressBlock('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
  expect(addressBlock('')).toBe('')
})
