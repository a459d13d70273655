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
  expect(config).toMatchObject({ WEB_URL: 'http://localhost:3000', SIGN_UP_OPEN: false, SYNC_INTERVAL_MINUTES: 5, OUTBOUND_ALLOW: [] })
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

test('mail needs a server and whom it comes from, both or neither; its password is a secret', () => {
  const base = { ...env, REDIS_URL: 'redis://localhost' }
  expect(accountsConfig(adapters, base).secrets.mail).toBeNull()
  const mail = { SMTP_URL: 'smtps://post:canary@mail.example', MAIL_FROM: 'Asheville <post@ash.example>' }
  const { config, secrets } = accountsConfig(adapters, { ...base, ...mail })
  expect(secrets.mail).toEqual({ url: mail.SMTP_URL, from: mail.MAIL_FROM })
  expect(JSON.stringify(config)).not.toContain('canary')
  for (const wrong of [{ SMTP_URL: mail.SMTP_URL }, { MAIL_FROM: mail.MAIL_FROM }, { ...mail, MAIL_FROM: 'nobody' }])
    expect(() => accountsConfig(adapters, { ...base, ...wrong })).toThrow(/MAIL_FROM: must be/)
  expect(() => accountsConfig(adapters, { ...base, ...mail, SMTP_URL: 'https://mail.example' })).toThrow(/SMTP_URL: must be an smtp/)
})
