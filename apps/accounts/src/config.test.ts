import { randomBytes } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { accountsConfig } from './config.ts'

const encoded = randomBytes(32).toString('base64')
const env = {
  PORT: '3001',
  DATABASE_URL: 'postgres://localhost/asheville',
  REDIS_URL: 'redis://localhost',
  WEB_URL: 'http://localhost:3000/',
  CREDENTIAL_KEYS: `a:${encoded},b:${encoded}`,
  SERVICE_PRIVATE_KEY: 'key',
  SERVICE_PUBLIC_KEYS: '{}',
}
const adapters = [{ variables: [{ name: 'BLUESKY_API_URL', description: '', default: 'https://bsky.social' }] }]

test('settings, adapters’ variables with their defaults, and secrets apart', () => {
  const { config, variables, secrets } = accountsConfig(adapters, env)
  expect(config).toMatchObject({ WEB_URL: 'http://localhost:3000', SIGN_UP_OPEN: false, SYNC_INTERVAL_MINUTES: 15, OUTBOUND_ALLOW: [] })
  expect(variables).toEqual({ BLUESKY_API_URL: 'https://bsky.social' })
  expect(secrets.credentialKeys.map(({ id }) => id)).toEqual(['a', 'b'])
  expect(JSON.stringify(config)).not.toContain(encoded)
})

test('all faults at once, and never a secret', () => {
  const read = () => accountsConfig(adapters, { ...env, CREDENTIAL_KEYS: encoded, WEB_URL: 'here', SYNC_INTERVAL_MINUTES: '0' })
  expect(read).toThrow(
    /WEB_URL.*\n(.*\n)*.*CREDENTIAL_KEYS: each key must be written as id:base64(.*\n)*.*SYNC_INTERVAL_MINUTES: must be at least 1/,
  )
  expect(read).not.toThrow(encoded)
})
