import { afterEach, describe, expect, test } from '@jest/globals'
import { startTwitter } from './index.ts'
import type { TwitterOptions, TwitterSimulator } from './index.ts'

const open: TwitterSimulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})
type Wire = Record<string, unknown>
type Body = {
  data: Wire & Wire[]
  includes?: Record<string, Wire[]>
  errors?: Wire[]
  meta: { result_count: number; next_token?: string; previous_token?: string; newest_id?: string; oldest_id?: string }
  title?: string
  type?: string
  detail?: string
}
async function start(options: TwitterOptions = {}) {
  const server = await startTwitter({ seed: 3, ...options })
  open.push(server)
  const { accessToken } = server.issueTokens()
  const get = async (path: string, query: Record<string, string | number> = {}, token = accessToken) => {
    const address = `${server.url}${path}?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))}`
    const response = await fetch(address, { headers: { authorization: `Bearer ${token}`, host: 'api.x.com' } })
    return { status: response.status, headers: response.headers, body: (await response.json()) as Body }
  }
  const { id } = server.account('alice')
  const walk = async (path: string, query: Record<string, string | number> = {}) => {
    const pages: Body[] = []
    for (let next: string | undefined = ''; next !== undefined;) {
      const page = await get(path, { ...query, ...(next !== '' && { pagination_token: next }) })
      expect(page.status).toBe(200)
      pages.push(page.body)
      next = page.body.meta.next_token
    }
    return pages
  }
  const idsOf = (pages: Body[]) => pages.flatMap(({ data }) => ((data ?? []) as Wire[]).map((one) => one.id as string))
  return { server, get, walk, idsOf, id, timeline: `/2/users/${id}/tweets` }
}

describe('fields', () => {
  test('what is not asked for is not given', async () => {
    const { server, get, id } = await start()
    const post = server.post({ text: 'One & two', media: [{ alt: 'A cat' }], place: { name: 'Bergen', latitude: 60, longitude: 5 } })
    const { body } = await get(`/2/tweets/${post}`)
    expect(body).toEqual({
      data: { id: post, text: expect.stringMatching(/^One &amp; two https:\/\/t\.co\/\w{10}$/), edit_history_tweet_ids: [post] },
    })
    const me = await get('/2/users/me')
    expect(me.body).toEqual({ data: { id, name: 'Alice', username: 'alice' } })
    const full = await get(`/2/tweets/${post}`, {
      'tweet.fields': 'created_at,attachments',
      expansions: 'attachments.media_keys,geo.place_id',
      'media.fields': 'alt_text',
    })
    expect(Object.keys(full.body.data).sort()).toEqual(['attachments', 'created_at', 'edit_history_tweet_ids', 'geo', 'id', 'text'])
    expect(full.body.includes).toEqual({
      media: [{ media_key: expect.stringMatching(/^3_\d+$/), type: 'photo', alt_text: 'A cat' }],
      places: [{ id: expect.any(String), full_name: 'Bergen' }],
    })
  })

  test('entities lie where they say, in code points of the text as it is given', async () => {
    const { server, get } = await start()
    server.createAccount({ username: 'carol' })
    const post = server.post({ text: '👩🏿‍🌾 <b> & @carol reads https://example.org/a?b=1&c=2 in #Köln', media: [{}, {}] })
    const { body } = await get(`/2/tweets/${post}`, { 'tweet.fields': 'entities', expansions: 'attachments.media_keys' })
    const letters = [...(body.data.text as string)]
    const { urls, mentions, hashtags } = body.data.entities as Record<string, (Wire & { start: number; end: number })[]>
    const at = ({ start, end }: { start: number; end: number }) => letters.slice(start, end).join('')
    expect(mentions!.map((one) => [at(one), one.id])).toEqual([['@carol', server.account('carol').id]])
    expect(hashtags!.map((one) => [at(one), one.tag])).toEqual([['#Köln', 'Köln']])
    expect(urls!.map((one) => [at(one) === one.url, one.expanded_url, one.media_key ?? null])).toEqual([
      [true, 'https://example.org/a?b=1&c=2', null],
      ...body.includes!.media!.map((one) => [true, `https://x.com/alice/status/${post}/photo/1`, one.media_key]),
    ])
  })

  test('long posts are cut in `text` and whole in `note_tweet`; retweets are cut at 140', async () => {
    const { server, get } = await start()
    const long = server.longPost({ account: 'bob', length: 900 })
    const retweet = server.retweet(long)
    const query = {
      ids: `${long},${retweet}`,
      'tweet.fields': 'note_tweet,referenced_tweets,attachments',
      expansions: 'referenced_tweets.id',
    }
    const { data, includes } = (await get('/2/tweets', query)).body
    expect([...(data[0]!.text as string).replaceAll('&amp;', '&')].length).toBeLessThanOrEqual(280)
    expect(data[0]!.text).toMatch(/… https:\/\/t\.co\/\w{10}$/)
    expect((data[0]!.note_tweet as Wire).text).toBe(server.truth('bob').posts[0]!.text.replaceAll('&', '&amp;'))
    expect(data[1]!.text).toMatch(/^RT @bob: .+…$/)
    expect([...(data[1]!.text as string)]).toHaveLength(140)
    expect(data[1]!.note_tweet).toBeUndefined()
    expect(includes!.tweets).toEqual([data[0]])
  })

  test('polls, replies, quotes, users and what they refer to', async () => {
    const { server, get } = await start()
    const theirs = server.post({ account: 'bob', text: 'Look', media: [{}] })
    const reply = server.reply(theirs, {
      text: 'I see',
      poll: { options: ['a', 'b'], minutes: 5, votes: [1, 2] },
      createdAt: '2024-01-01T00:00:00Z',
    })
    const quote = server.quote(theirs)
    const query = {
      ids: `${reply},${quote}`,
      'tweet.fields': 'conversation_id,in_reply_to_user_id',
      expansions:
        'author_id,attachments.poll_ids,referenced_tweets.id,referenced_tweets.id.author_id,referenced_tweets.id.attachments.media_keys',
      'poll.fields': 'voting_status,end_datetime',
    }
    const { data, includes } = (await get('/2/tweets', query)).body
    expect(data[0]).toMatchObject({ text: '@bob I see', conversation_id: theirs, in_reply_to_user_id: server.account('bob').id })
    expect(data.map((one) => one.referenced_tweets)).toEqual([[{ type: 'replied_to', id: theirs }], [{ type: 'quoted', id: theirs }]])
    expect(includes!.users!.map((one) => one.username)).toEqual(['alice', 'bob'])
    expect(includes!.tweets!.map((one) => one.id)).toEqual([theirs])
    expect(includes!.media).toHaveLength(1)
    expect(includes!.polls).toEqual([
      {
        id: expect.any(String),
        options: [
          { position: 1, label: 'a', votes: 1 },
          { position: 2, label: 'b', votes: 2 },
        ],
        voting_status: 'closed',
        end_datetime: '2024-01-01T00:05:00.000Z',
      },
    ])
  })

  test('an edit is a new post; the old one is still had by its id', async () => {
    const { server, get, timeline } = await start()
    const first = server.post({ text: 'Frist', createdAt: '2024-01-01T00:00:00Z' })
    server.like(first)
    const second = server.edit(first, { text: 'First' })
    const page = await get(timeline, { 'tweet.fields': 'edit_controls', expansions: 'edit_history_tweet_ids' })
    expect(page.body.data.map((one) => [one.id, one.text, one.edit_history_tweet_ids])).toEqual([[second, 'First', [first, second]]])
    expect(page.body.data[0]!.edit_controls).toEqual({
      edits_remaining: 4,
      is_edit_eligible: true,
      editable_until: '2024-01-01T00:30:00.000Z',
    })
    expect(page.body.includes!.tweets!.map((one) => one.text)).toEqual(['Frist'])
    expect((await get(`/2/tweets/${first}`)).body.data).toMatchObject({ text: 'Frist', edit_history_tweet_ids: [first, second] })
    expect(server.truth('alice').likes.map((one) => one.id)).toEqual([second])
    server.deletePost(first)
    expect((await get(timeline)).body).toEqual({ meta: { result_count: 0 } })
  })
})

describe('lists', () => {
  test('a timeline: newest first, page after page and back, at most the newest so many', async () => {
    const { server, get, walk, idsOf, timeline } = await start({ timelineLimit: 230, maxResults: 40 })
    server.generate({ tweets: 250, withMedia: 0.2 })
    const pages = await walk(timeline, { max_results: 100 })
    const truth = server.truth('alice')
    expect(idsOf(pages)).toEqual(truth.posts.map((post) => post.id))
    expect(pages.map(({ meta }) => meta.result_count)).toEqual([40, 40, 40, 40, 40, 30])
    expect(truth.beyondLimit).toBe(20)
    expect(pages[0]!.meta).toMatchObject({ newest_id: truth.posts[0]!.id, oldest_id: truth.posts[39]!.id })
    const back = await get(timeline, { max_results: 100, pagination_token: pages[2]!.meta.previous_token! })
    expect(idsOf([back.body])).toEqual(idsOf([pages[1]!]))
    const since = await walk(timeline, { since_id: truth.posts[50]!.id, until_id: truth.posts[10]!.id })
    expect(idsOf(since)).toEqual(truth.posts.slice(11, 50).map((post) => post.id))
    const { createdAt } = truth.posts[20]!
    const times = await walk(timeline, { start_time: createdAt, exclude: 'replies,retweets' })
    const own = truth.posts.slice(0, 21).filter((post) => post.replyTo === null && post.retweetOf === null)
    expect(idsOf(times)).toEqual(own.map((post) => post.id))
  })

  test('likes and bookmarks in the order of marking; what cannot be seen shortens a page; a last token that leads nowhere', async () => {
    const { server, walk, idsOf, id } = await start({ bookmarkLimit: 6, lastPageHasToken: true, maxResults: 5 })
    const posts = Array.from({ length: 10 }, (_, i) =>
      server.post({ account: 'bob', text: `Number ${i}`, createdAt: Date.UTC(2024, 0, 20 - i) }),
    )
    for (const post of posts) {
      server.like(post)
      server.bookmark(post)
    }
    server.deletePost(posts[8]!)
    server.unlike(posts[0]!)
    const likes = await walk(`/2/users/${id}/liked_tweets`)
    expect(likes.map(({ meta }) => meta.result_count)).toEqual([4, 4, 0])
    expect(idsOf(likes)).toEqual([9, 7, 6, 5, 4, 3, 2, 1].map((i) => posts[i]))
    expect(idsOf(likes)).toEqual(server.truth('alice').likes.map((post) => post.id))
    const bookmarks = await walk(`/2/users/${id}/bookmarks`)
    expect(idsOf(bookmarks)).toEqual([9, 7, 6, 5, 4].map((i) => posts[i]))
    server.protect('bob')
    expect(idsOf(await walk(`/2/users/${id}/liked_tweets`))).toEqual([])
    server.follow('bob')
    expect(idsOf(await walk(`/2/users/${id}/liked_tweets`))).toHaveLength(8)
  })

  test('follows, the last first; a handle that changes', async () => {
    const { server, walk, idsOf, id } = await start({ maxResults: 7 })
    server.generate({ following: 20 })
    server.follow('bob')
    server.rename('bob', 'robert')
    const pages = await walk(`/2/users/${id}/following`, { max_results: 1000 })
    expect(idsOf(pages)).toEqual(server.truth('alice').following.map((one) => one.id))
    expect(pages[0]!.data[0]).toMatchObject({ username: 'robert' })
    expect(pages).toHaveLength(3)
  })

  test('a post that comes late, and one that is edited late', async () => {
    const { server, walk, idsOf, timeline } = await start()
    const early = server.post({ createdAt: '2024-01-01T00:00:00Z' })
    const late = server.post({ createdAt: '2023-12-31T00:00:00Z', late: true })
    expect(idsOf(await walk(timeline))).toEqual([early])
    server.appear(late)
    expect(idsOf(await walk(timeline))).toEqual([early, late])
    const edited = server.edit(early, { text: 'Later', late: true })
    expect(idsOf(await walk(timeline))).toEqual([early, late])
    server.appear(edited)
    expect(idsOf(await walk(timeline))).toEqual([edited, late])
  })

  test('the same seed writes the same years', async () => {
    const texts = async () => {
      const { server } = await start()
      server.generate({ tweets: 120, withMedia: true, likes: 10 })
      return server.truth('alice').posts.map(({ id, text, kind, media }) => ({ id, text, kind, media: media.map((one) => one.sha256) }))
    }
    const first = await texts()
    expect(await texts()).toEqual(first)
    expect(new Set(first.map(({ kind }) => kind))).toEqual(new Set(['post', 'reply', 'retweet', 'quote']))
  })
})
