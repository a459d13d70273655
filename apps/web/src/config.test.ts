import { expect, test } from '@jest/globals'
import { webConfig } from './config.ts'

const env = {
  PORT: '3000',
  WEB_URL: 'https://ash.example',
  ACCOUNTS_URL: 'http://127.0.0.1:3001',
  CONDUCTOR_URL: 'http://127.0.0.1:3002',
  PLATFORM_URL: 'http://127.0.0.1:3003',
  WEB_SECRET: 'a secret of at least thirty-two characters',
  SERVICE_PRIVATE_KEY: 'key',
  SERVICE_PUBLIC_KEYS: '{}',
}

test('proxies are named by address or CIDR, and nothing else is taken for one', () => {
  expect(webConfig(env).config.TRUSTED_PROXIES).toEqual([])
  expect(webConfig({ ...env, TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::1' }).config.TRUSTED_PROXIES).toEqual(['10.0.0.0/8', '2001:db8::1'])
  for (const wrong of ['proxy.example', '10.0.0.0/33', '10.0.0.0/x', '1', 'true', '10.0.0.0/8/8'])
    expect(() => webConfig({ ...env, TRUSTED_PROXIES: wrong })).toThrow(/TRUSTED_PROXIES: must be addresses or CIDRs/)
})
