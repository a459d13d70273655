import { createContent, createRandom, saying } from '../kit/index.ts'
import type { Random } from '../kit/index.ts'
import type { Acts } from './acts.ts'
import { alts, places, polls, quoteComments, retorts, sources, threadTails } from './phrases.ts'
import type { TwitterGenerateOptions, NewTweetMedia, NewTweet } from './types.ts'
import type { World } from './world.ts'

/** Every so many posts of the generated ones is of the kit's troublesome texts: other scripts, markup, very long. */
const troubleRate = 0.12

/** Fills accounts with years of a life. Same seed, same content. */
export function createGenerator(world: World, acts: Acts) {
  let runs = 0

  /** What somebody says; `troubles` numbers the difficult texts. */
  function says(random: Random, index: number, content: ReturnType<typeof createContent>): Pick<NewTweet, 'text' | 'language'> {
    if (random.chance(troubleRate)) {
      const { text, language } = content.post(index)
      return { text: text.slice(0, 3900), language }
    }
    const { subject, text } = saying(random)
    const tag = subject.tag !== null && random.chance(0.25) ? ` #${subject.tag}` : ''
    const link = random.chance(0.08) ? ` https://example.org/${subject.name}/${random.hex(3)}?from=x&page=${random.int(1, 9)}` : ''
    return { text: `${text}${tag}${link}`, language: 'en' }
  }

  function photosOf(random: Random): NewTweetMedia[] {
    const roll = random.next()
    const alt = () => (random.chance(0.5) ? random.pick(alts) : null)
    if (roll < 0.08) return [{ type: 'video', alt: alt() }]
    if (roll < 0.13) return [{ type: 'animated_gif', alt: alt() }]
    return Array.from({ length: random.pick([1, 1, 1, 2, 4]) }, () => ({ alt: alt() }))
  }

  /** A post of one of the strangers, to be liked, kept, answered or repeated. */
  function elsewhere(random: Random, name: string, index: number, content: ReturnType<typeof createContent>, before: number): string {
    const author = world.stranger(random.int(0, 39))
    const media = random.chance(0.3) ? photosOf(random) : []
    const createdAt = before - random.int(60_000, 20 * 86_400_000)
    const said = { ...says(createRandom(name, 'elsewhere', index), index, content), account: author.username, createdAt, media }
    return acts.post({ ...said, source: random.pick(sources) })
  }

  /** Adds posts spread over a time, and marks and follows. */
  return function generate(wanted: TwitterGenerateOptions = {}): void {
    const account = acts.account(wanted.account).username
    const name = `${wanted.seed ?? world.seed}-${wanted.account ?? ''}-${runs++}`
    const content = createContent(name)
    const count = wanted.tweets ?? 0
    const from = new Date(wanted.from ?? '2019-06-01T08:00:00Z').getTime()
    const to = new Date(wanted.to ?? '2024-06-01T20:00:00Z').getTime()
    const step = (to - from) / Math.max(1, count)
    const rate = wanted.withMedia === true ? 0.3 : Number(wanted.withMedia ?? 0)
    let thread: { id: string; left: number } | null = null
    let last: string | null = null

    for (let i = 0; i < count; i++) {
      const random = createRandom(name, 'post', i)
      const createdAt = Math.floor(from + step * (i + random.next() * 0.9))
      const base = { account, createdAt, source: random.pick(sources) }
      const exact =
        wanted.pictures === undefined ? null : Math.floor(((i + 1) * wanted.pictures) / count) - Math.floor((i * wanted.pictures) / count)
      const media: NewTweetMedia[] =
        exact === null ? (random.chance(rate) ? photosOf(random) : []) : exact > 0 ? [{ alt: random.pick(alts) }] : []
      const place = random.chance(0.07) ? { place: random.pick(places) } : {}
      const kind = random.next()
      if (thread && thread.left > 0) {
        const id: string = acts.reply(thread.id, { ...base, media, text: threadTails[Math.min(threadTails.length - 1, 5 - thread.left)]! })
        thread = thread.left === 1 ? null : { id, left: thread.left - 1 }
      } else if (kind < 0.1 && wanted.retweets !== false && media.length === 0) {
        acts.retweet(elsewhere(random, name, i, content, createdAt), base)
      } else if (kind < 0.15 && wanted.retweets !== false) {
        acts.quote(elsewhere(random, name, i, content, createdAt), { ...base, media, text: random.pick(quoteComments) })
      } else if (kind < 0.27) {
        acts.reply(elsewhere(random, name, i, content, createdAt), { ...base, media, text: random.pick(retorts) })
      } else if (kind < 0.3 && last !== null) {
        acts.reply(last, { ...base, media, text: `${random.pick(retorts)} (Answering myself.)` })
      } else if (kind < 0.32 && media.length === 0) {
        const [question, options] = random.pick(polls)
        acts.post({ ...base, text: question, poll: { options: [...options], minutes: 1440 } })
      } else if (kind < 0.34) {
        acts.longPost({ ...base, media, ...place, length: random.int(600, 2400) })
      } else {
        last = acts.post({ ...base, ...says(random, i, content), media, ...place, sensitive: random.chance(0.01) })
        if (random.chance(0.03)) thread = { id: last, left: random.int(2, 5) }
      }
    }
    const other = (kind: 'likes' | 'bookmarks', i: number) => elsewhere(createRandom(name, kind, i), name, i, content, to)
    for (let i = 0; i < (wanted.likes ?? 0); i++) acts.like(other('likes', i), account)
    for (let i = 0; i < (wanted.bookmarks ?? 0); i++) acts.bookmark(other('bookmarks', i), account)
    for (let i = 0; i < (wanted.following ?? 0); i++) acts.follow(world.stranger(i).username, account)
  }
}
