import { cp, lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createRandom, startBluesky, startFacebook, startFeeds, startMastodon, startTwitter } from '@asheville/simulators'
import { connect, connectOAuth, signUp, startInstance, syncNow, type Instance } from '../instance.ts'
import { corruptions, victimOf } from './corruptions.ts'
import {
  check,
  expectBluesky,
  expectFacebook,
  expectFeeds,
  expectMastodon,
  expectTwitter,
  readIndex,
  untilAtRest,
  type ExpectedAccount,
  type IndexView,
} from './index.ts'

const closing: (() => Promise<unknown>)[] = []
let instance: Instance
let folder: string
let expected: ExpectedAccount[]
let index: IndexView
let place: string

beforeAll(async () => {
  const small = { pictureSize: { width: 16, height: 16 } }
  const simulators = await Promise.all([
    startMastodon({ accounts: ['alice'], rateLimit: null, ...small }),
    startBluesky({ accounts: ['alice'], ...small }),
    startFeeds(small),
    startTwitter({ accounts: ['alice'], rateLimits: null, ...small }),
    startFacebook({ accounts: ['alice'], ...small }),
  ])
  const [mastodon, bluesky, feeds, twitter, facebook] = simulators
  closing.push(...simulators.map((one) => () => one.close()))
  mastodon.generate({
    seed: 'checker',
    statuses: 150,
    pictures: 12,
    favourites: 12,
    bookmarks: 6,
    following: 5,
    from: '2024-01-01T00:00:00Z',
    to: '2024-06-01T00:00:00Z',
  })
  await bluesky.generate({
    seed: 'checker',
    posts: 60,
    images: 8,
    likes: 10,
    reposts: 5,
    follows: 5,
    from: '2024-01-01T00:00:00Z',
    to: '2024-06-01T00:00:00Z',
  })
  feeds.generate({ seed: 'checker', entries: 25, withPictures: 0.3 })
  twitter.generate({
    ...{ seed: 'checker', tweets: 120, withMedia: 0.2, likes: 12, bookmarks: 6, following: 5 },
    ...{ from: '2024-01-01T00:00:00Z', to: '2024-06-01T00:00:00Z' },
  })
  facebook.generate({
    ...{ seed: 'checker', posts: 60, withMedia: 0.3, checkIns: 6, photos: 8, videos: 2, likes: 10, events: 5, wallPosts: 3, hidden: 0.1 },
    ...{ from: '2024-01-01T00:00:00Z', to: '2024-06-01T00:00:00Z' },
  })
  place = await mkdtemp(join(tmpdir(), 'asheville-checker-'))
  closing.push(() => rm(place, { recursive: true, force: true }))
  instance = await startInstance(
    simulators.map(({ url }) => url),
    {
      ...{ BLUESKY_API_URL: bluesky.url, BLUESKY_PLC_URL: bluesky.url, TWITTER_API_URL: twitter.url, TWITTER_WEB_URL: twitter.url },
      ...{ TWITTER_CLIENT_ID: twitter.app.clientId, TWITTER_CLIENT_SECRET: twitter.app.clientSecret },
      ...{ FACEBOOK_API_URL: facebook.url, FACEBOOK_WEB_URL: facebook.url },
      ...{ FACEBOOK_CLIENT_ID: facebook.app.id, FACEBOOK_CLIENT_SECRET: facebook.app.secret },
      FACEBOOK_SCOPES: 'user_posts user_photos user_videos user_likes user_events',
    },
  )
  closing.push(() => instance.close())

  const person = await signUp(instance)
  await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, (address) => mastodon.authorize(address))
  const { handle, appPassword } = bluesky.account()
  await connect(instance, person, 'bluesky', { handle, password: appPassword, server: bluesky.url })
  await connect(instance, person, 'feeds', { url: `${feeds.url}/atom.xml` })
  twitter.app.redirectUris.push(`${instance.constellation.url}/connect/twitter/callback`)
  const { id: connectionId } = await connectOAuth(instance, person, 'twitter', {}, (address) => twitter.authorize(address))
  // A network that charges for what is read waits for the person's word.
  await instance.accounts('web').updateConnection({ userId: person.userId, params: { connectionId }, body: { paused: false } })
  facebook.app.redirectUris.push(`${instance.constellation.url}/connect/facebook/callback`)
  await connectOAuth(instance, person, 'facebook', {}, (address) => facebook.authorize(address))
  expect((await syncNow(instance, person.userId)).state).toBe('done')
  await untilAtRest(instance.constellation)
  folder = join(instance.files, person.userId, 'Asheville')
  expected = [
    expectMastodon(mastodon.truth()['alice']!, mastodon.url),
    expectBluesky((await bluesky.truth())['alice']!),
    expectFeeds(feeds.truth()),
    expectTwitter(twitter.truth('alice')),
    expectFacebook(facebook.truth('alice')),
  ]
  index = await readIndex(instance.platform('web'), person.userId)
}, 120_000)

afterAll(async () => {
  for (const close of closing.toReversed()) await close()
}, 60_000)

/** More of them prove more, and take longer. */
const seeds = (process.env['CHECKER_SEEDS'] ?? 'one').split(',')

/** What tells two states of a file apart without reading it, by path. */
async function statesIn(at: string): Promise<Map<string, string>> {
  const entries = await readdir(at, { recursive: true, withFileTypes: true })
  const states = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name)
    const { size, mtimeMs } = await lstat(path)
    return [path.slice(at.length + 1), entry.isDirectory() ? 'directory' : `${entry.isFile()} ${size} ${mtimeMs}`] as const
  })
  return new Map(await Promise.all(states))
}

/** Makes the copy what the good folder is; only what differs is written. */
async function mend(copy: string): Promise<void> {
  const [good, found] = await Promise.all([statesIn(folder), statesIn(copy).catch(() => new Map<string, string>())])
  for (const [path, state] of found) if (good.get(path) !== state) await rm(join(copy, path), { recursive: true, force: true })
  for (const [path, state] of good)
    if (found.get(path) !== state) await cp(join(folder, path), join(copy, path), { recursive: true, preserveTimestamps: true })
}

describe('the checker', () => {
  test('finds nothing in a good folder', async () => {
    const verdict = await check({ folder, expected, index })
    expect(verdict.findings).toEqual([])
    expect(verdict).toMatchObject({ ok: true, counts: { expected: verdict.counts.items, lost: 0 } })
    expect(verdict.counts.items).toBeGreaterThan(250)
    expect(verdict.counts.media).toBeGreaterThan(20)
    expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict)
  })

  test(`finds each of ${corruptions.length} corruptions, wherever they are`, async () => {
    expect(new Set(corruptions.map(({ kind }) => kind)).size).toBe(9)
    const missed: string[] = []
    const copy = join(place, 'spoilt')
    for (const seed of seeds) {
      for (const { name, kind, spoil } of corruptions) {
        await mend(copy)
        const where = await spoil(victimOf(copy, createRandom(seed, name)))
        const { ok, findings } = await check({ folder: copy, expected })
        const isFound = findings.some((one) => one.kind === kind && (where.path === undefined || one.path === where.path))
        if (ok || !isFound) missed.push(`${seed}: ${name} (${kind}) at ${JSON.stringify(where)}: ${JSON.stringify(findings.slice(0, 3))}`)
      }
    }
    await mend(copy)
    expect((await check({ folder: copy, expected })).findings).toEqual([])
    expect(missed).toEqual([])
  }, 600_000)

  test('finds what is wrong with the index', async () => {
    const [first] = index.items
    const [count] = index.counts
    const wrong: Record<string, IndexView> = {
      'an item is not in it': { ...index, items: index.items.slice(1) },
      'an item is in it twice': { ...index, items: [...index.items, first!] },
      'an item lies elsewhere': {
        ...index,
        items: [{ ...first!, path: 'mastodon/elsewhere/posts/2024-01.json' }, ...index.items.slice(1)],
      },
      'an item is of another day': { ...index, items: [{ ...first!, at: '2001-01-01T00:00:00.000Z' }, ...index.items.slice(1)] },
      'an item is gone': { ...index, items: [{ ...first!, isGone: true }, ...index.items.slice(1)] },
      'an item that is in no file': { ...index, items: [...index.items, { ...first!, id: 'https://nobody.example/1' }] },
      'a count is too high': { ...index, counts: [{ ...count!, items: count!.items + 1 }, ...index.counts.slice(1)] },
      'a count is missing': { ...index, counts: index.counts.slice(1) },
      'media are miscounted': { ...index, media: { ...index.media, bytes: index.media.bytes - 1 } },
    }
    for (const [name, one] of Object.entries(wrong)) {
      const { counts } = await check({ folder, expected, index: one })
      expect({ name, found: counts.index > 0, others: counts.lost + counts.doubled + counts.differing }).toEqual({
        name,
        found: true,
        others: 0,
      })
    }
  })

  test('an empty folder lacks everything; what was deleted at the network may stay, marked', async () => {
    const empty = await check({ folder: join(place, 'nothing'), expected })
    expect(empty.counts).toMatchObject({ lost: empty.counts.expected + 2, items: 0 })
    const [mastodon, ...others] = expected
    const without = (all: ExpectedAccount, id: string) => ({ ...all, items: all.items.filter((item) => item.id !== id) })
    const { id } = mastodon!.items.find(({ contentType, media }) => contentType === 'posts' && media.length === 0)!
    expect((await check({ folder, expected: [without(mastodon!, id), ...others] })).counts).toMatchObject({ unexpected: 1, lost: 0 })
  })
})
