import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  startBluesky,
  startMastodon,
  startTwitter,
  type BlueskySimulator,
  type MastodonSimulator,
  type TwitterSimulator,
} from '@asheville/simulators'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { startInstance, type Instance } from '../instance.ts'
import { createCanaries } from './canaries.ts'
import { runEventfully } from './eventful-run.ts'
import { placesOf } from './places.ts'
import { scan, type Place } from './scan.ts'
import { addInstallationSecrets } from './secrets-of.ts'

let mastodon: MastodonSimulator
let bluesky: BlueskySimulator
let twitter: TwitterSimulator
let instance: Instance
const answers: Place[] = []

beforeAll(async () => {
  const pictureSize = { width: 16, height: 16 }
  mastodon = await startMastodon({ accounts: ['alice'], rateLimit: null, pictureSize })
  bluesky = await startBluesky({ accounts: ['alice'], rateLimit: null, sessionLimit: null, accessLifeMs: 2_000, pictureSize })
  twitter = await startTwitter({ accounts: ['alice'], rateLimits: null, tokenSeconds: 2, pictureSize })
  mastodon.generate({ seed: 'canaries', statuses: 200, pictures: 5, favourites: 40, bookmarks: 40 })
  await bluesky.generate({ seed: 'canaries', posts: 40, likes: 10, images: 3 })
  twitter.generate({ seed: 'canaries', tweets: 150, pictures: 5, likes: 20, bookmarks: 20, following: 10 })
  // The most talkative level that an operator would use.
  instance = await startInstance([mastodon.url, bluesky.url, twitter.url], {
    ...{ LOG_LEVEL: 'debug', SYNC_INTERVAL_MINUTES: '1000', TWITTER_API_URL: twitter.url, TWITTER_WEB_URL: twitter.url },
    ...{ TWITTER_CLIENT_ID: twitter.app.clientId, TWITTER_CLIENT_SECRET: twitter.app.clientSecret },
  })
  twitter.app.redirectUris.push(`${instance.constellation.url}/connect/twitter/callback`)
}, 120_000)

afterAll(async () => {
  await instance?.close()
  await mastodon?.close()
  await bluesky?.close()
  await twitter?.close()
}, 60_000)

/** What was typed into a field that shows its text, in the form that comes back to whoever typed it: there, and nowhere else. */
const echoes: Record<string, string> = {
  'password in the place of the address': 'answer 401 to POST /sign-in',
  'app password in the place of the handle': 'answer 422 to POST /connect/bluesky',
  'password in an address': 'answer 422 to POST /connect/feeds',
}

const places = () => placesOf(instance.constellation, answers)

test('after a run full of failures no secret is anywhere', async () => {
  const canaries = createCanaries()
  await addInstallationSecrets(canaries, instance.constellation)
  const { clientId, clientSecret } = twitter.app
  canaries.add('client secret of our app', clientSecret)
  canaries.add('client secret of our app, as it goes out', Buffer.from(`${clientId}:${clientSecret}`).toString('base64'))
  const states = await runEventfully({ instance, mastodon, bluesky, twitter, canaries, answers })
  const { hits, places: many, bytes } = await scan(canaries, places())
  process.stderr.write(
    `Canaries: ${canaries.all.length} secrets in ${canaries.all.flatMap(({ forms }) => forms).length} forms, ${many} places of ${Math.round(bytes / 1024)} KiB, ${hits.length} found, ${Object.keys(echoes).length} of them in the form that they were typed into; syncs: ${states.join(', ')}\n`,
  )
  expect(hits.filter(({ canary, place }) => echoes[canary] !== place)).toEqual([])
  expect(twitter.postsRead()).toBeGreaterThan(150)
  expect(twitter.counters.snapshot().other['refreshes']).toBeGreaterThan(1)
  const names = canaries.all.map(({ name }) => name)
  for (const name of [
    'access token of mastodon',
    'access token of bluesky',
    'refresh token of bluesky',
    'access token of twitter',
    'refresh token of twitter',
    'client secret',
    'PKCE verifier',
    'authorization code',
    'session token',
    'app password',
    'webSecret',
    'redisPassword',
    'serviceKeys.accounts',
  ])
    expect(names).toContain(name)
}, 240_000)

describe('what is planted is found', () => {
  const secret = `planted-${randomBytes(12).toString('hex')} "&/ö`
  const forms: [string, string | Buffer][] = [
    ['plain', secret],
    ['in JSON', JSON.stringify({ token: secret })],
    ['URL-encoded', `https://example.org/?token=${encodeURIComponent(secret)}`],
    ['in a form', new URLSearchParams({ token: secret }).toString()],
    ['hex', Buffer.from(secret).toString('hex')],
    ['base64', Buffer.from(secret).toString('base64url')],
    ['base64 after one byte', Buffer.from(`a${secret}bc`).toString('base64')],
    ['base64 after two bytes', Buffer.from(`me:${secret}`).toString('base64')],
    ['UTF-16', Buffer.from(secret, 'utf16le')],
  ]

  test.each(forms)('%s', async (_form, written) => {
    const canaries = createCanaries()
    canaries.add('the planted one', secret)
    const bytes = Buffer.concat([Buffer.from('before '), Buffer.from(written), Buffer.from(' after')])
    const { hits } = await scan(canaries, [{ name: 'here', bytes }])
    expect(hits).toContainEqual(expect.objectContaining({ canary: 'the planted one', place: 'here' }))
    expect((await scan(canaries, [{ name: 'there', bytes: Buffer.from('nothing of the kind') }])).hits).toEqual([])
  })

  test('in every kind of place, and the report does not tell it', async () => {
    const canaries = createCanaries()
    const { dataDir, databaseUrl, redisUrl } = instance.constellation
    const plant = (place: string): string => {
      const one = `planted-${randomBytes(12).toString('hex')}`
      canaries.add(place, one)
      return one
    }
    const redis = new Redis(redisUrl)
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    const queue = new Queue('sync-planted', { connection: { url: redisUrl } })
    try {
      await appendFile(join(dataDir, 'logs', 'web.log'), `{"msg":"${plant('log')}"}\n`)
      await mkdir(join(dataDir, 'files', 'nobody', 'Asheville'), { recursive: true })
      await writeFile(join(dataDir, 'files', 'nobody', 'Asheville', 'page.json'), plant('stored file'))
      await writeFile(join(dataDir, 'files', 'nobody', plant('name of a file')), '')
      await writeFile(join(dataDir, 'scratch', 'spool'), plant('scratch'))
      await redis.set('planted:string', plant('Redis string'))
      await redis.set(`planted:${plant('Redis key')}`, '')
      await redis.hset('planted:hash', { field: plant('Redis hash'), [plant('Redis field')]: '' })
      await redis.rpush('planted:list', plant('Redis list'))
      await redis.sadd('planted:set', plant('Redis set'))
      await redis.zadd('planted:zset', 1, plant('Redis sorted set'))
      await redis.xadd('planted:stream', '*', 'data', plant('Redis stream'))
      await queue.add('planted', { token: plant('job data') })
      await client.query('CREATE TABLE public.planted (words text, data jsonb, bytes bytea, list text[])')
      const values = [plant('text'), JSON.stringify({ a: plant('jsonb') }), Buffer.from(plant('bytea')), [plant('text in an array')]]
      await client.query('INSERT INTO public.planted VALUES ($1, $2, $3, $4)', values)
      answers.push({ name: 'answer 200 to GET /planted', bytes: Buffer.from(`<p>${plant('page')}</p>`) })

      const { hits } = await scan(canaries, places())
      expect([...new Set(hits.map(({ canary }) => canary))].sort()).toEqual(canaries.all.map(({ name }) => name).sort())
      expect(JSON.stringify(hits)).not.toMatch(/planted-[0-9a-f]{24}/)
      expect(hits).toContainEqual({ canary: 'bytea', form: 'hex', place: 'Postgres public.planted.bytes' })
    } finally {
      await queue.close()
      await client.end()
      redis.disconnect()
    }
  }, 60_000)

  test('a token, by its looks', async () => {
    const token = `eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJ3ZWIifQ.${randomBytes(32).toString('base64url')}`
    const { hits } = await scan(createCanaries(), [{ name: 'log', bytes: Buffer.from(`authorization ${token}`) }])
    expect(hits).toEqual([{ canary: 'a JSON Web Token', form: 'plain', place: 'log' }])
  })
})
