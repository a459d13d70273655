import { createRandom, makePicture } from '../kit/index.ts'
import type { Account, Mark, MediaRecord, PlaceRecord, PollRecord, Post } from './records.ts'
import type { Breakage, NewTweetMedia, NewPlace, NewPoll, NewTweet, TwitterOptions, When } from './types.ts'
import type { World } from './world.ts'

const handle = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-'
const millis = (when: When) => new Date(when).getTime()

/** What people do on X, for tests and for a person at the control routes. Without an account: the first. Posts go by their ids. */
export function createActs(world: World, options: TwitterOptions) {
  const { now } = world
  let [pictures, polls] = [0, 0]
  const who = (username?: string): Account => (username === undefined ? world.accounts[0]! : world.accountBy(username))
  const at = (id: string): Post => {
    const post = world.posts.get(id)
    if (!post) throw new Error(`no post ${id}`)
    return post
  }

  function mediaOf(media: NewTweetMedia): MediaRecord {
    const random = createRandom(world.seed, 'twitter-media', pictures++)
    const name = Array.from({ length: 15 }, () => random.pick([...handle])).join('')
    const picture = makePicture(name, options.pictureSize)
    const type = media.type ?? 'photo'
    const digits = String(1_200_000_000_000_000_000n + BigInt(pictures) * 4_194_304n + BigInt(random.int(0, 4_000_000)))
    return {
      key: `${type === 'photo' ? 3 : type === 'video' ? 7 : 16}_${digits}`,
      name,
      type,
      alt: media.alt ?? null,
      // A generated video is of these sides; see `encodeVideo`.
      width: media.width ?? (type === 'photo' ? picture.width : 64),
      height: media.height ?? (type === 'photo' ? picture.height : 64),
      durationMs: media.durationMs ?? random.int(2, 40) * 500,
      bytes: media.bytes ? Buffer.from(media.bytes) : null,
      isGone: false,
    }
  }
  function pollOf(poll: NewPoll, createdMs: number): PollRecord {
    if (poll.options.length < 2 || poll.options.length > 4) throw new Error('a poll has two to four options')
    const random = createRandom(world.seed, 'twitter-poll', polls++)
    const minutes = poll.minutes ?? 1440
    const votes = poll.options.map((_, i) => poll.votes?.[i] ?? random.int(0, 400))
    return {
      id: String(1_300_000_000_000_000_000n + BigInt(polls) * 8_388_608n),
      options: poll.options,
      votes,
      minutes,
      endsMs: createdMs + minutes * 60_000,
    }
  }
  function placeOf(place: NewPlace): PlaceRecord {
    const { name, latitude, longitude } = place
    const country = place.country ?? ''
    return {
      id: createRandom('twitter-place', name, latitude, longitude).hex(8),
      name,
      fullName: place.fullName ?? (country === '' ? name : `${name}, ${country}`),
      country,
      countryCode: place.countryCode ?? '',
      latitude,
      longitude,
    }
  }

  type Links = { replyTo?: string; retweetOf?: string; quoteOf?: string }
  function write(post: NewTweet, links: Links = {}): string {
    const createdMs = post.createdAt === undefined ? now() : millis(post.createdAt)
    const late = post.late === undefined ? 0 : post.late === true ? Infinity : millis(post.late)
    return world.addPost({
      author: who(post.account),
      text: post.text ?? '',
      createdMs,
      language: post.language ?? 'en',
      source: post.source ?? 'Twitter for iPhone',
      isSensitive: post.sensitive ?? false,
      media: (post.media ?? []).map(mediaOf),
      poll: post.poll ? pollOf(post.poll, createdMs) : null,
      place: post.place ? placeOf(post.place) : null,
      replyTo: links.replyTo ?? null,
      replyToAccount: links.replyTo === undefined ? null : at(links.replyTo).author.id,
      retweetOf: links.retweetOf ?? null,
      quoteOf: links.quoteOf ?? null,
      visibleMs: late,
      isDeleted: false,
      broken: null,
    }).id
  }

  function mark(kind: 'likes' | 'bookmarks', id: string, username?: string) {
    const list = world.shelfOf(who(username))[kind]
    const { history } = at(id)
    if (!list.some((one) => history.includes(one.id))) list.push({ order: world.nextOrder(), id })
  }
  function unmark(kind: 'likes' | 'bookmarks', id: string, username?: string) {
    const shelf = world.shelfOf(who(username))
    const { history } = at(id)
    shelf[kind] = shelf[kind].filter((one: Mark) => !history.includes(one.id))
  }

  return {
    /** Makes an account that posts and can be read; with a password, somebody can sign in as them. Returns its id. */
    createAccount(wanted: {
      username: string
      name?: string
      about?: string
      location?: string
      website?: string
      password?: string
    }): string {
      const { username, password, ...rest } = wanted
      const email = password === undefined ? {} : { password, email: `${username}@mail.example` }
      return world.addAccount(username, { ...rest, ...email }).id
    },
    /** Posts. Returns the id, as the functions after it do. */
    post: (post: NewTweet = {}): string => write({ text: 'Hello from a simulated X', ...post }),
    /** Answers a post. To somebody else, the answer's text begins with their handle, as X's apps write it. */
    reply(to: string, post: NewTweet = {}): string {
      const parent = at(to)
      const prefix = parent.author === who(post.account) ? '' : `@${parent.author.username} `
      return write({ ...post, text: `${prefix}${post.text ?? 'An answer'}` }, { replyTo: to })
    },
    retweet: (id: string, post: Pick<NewTweet, 'account' | 'createdAt' | 'late' | 'source'> = {}): string => write(post, { retweetOf: id }),
    quote: (id: string, post: NewTweet = {}): string => write({ text: 'Worth a read', ...post }, { quoteOf: id }),
    /** A post of over 280 characters; without a text, one of about `length`. */
    longPost({ length = 1200, ...post }: NewTweet & { length?: number } = {}): string {
      const sentence = 'The long way round goes by the river, past the mill & the old bakery, where nobody hurries. '
      return write({
        text: sentence
          .repeat(Math.ceil(length / sentence.length))
          .slice(0, length)
          .trim(),
        ...post,
      })
    },
    /** A post and answers to it by its author, a minute apart. Returns the ids in order. */
    thread(texts: string[], post: NewTweet = {}): string[] {
      const start = post.createdAt === undefined ? now() : millis(post.createdAt)
      const ids: string[] = []
      texts.forEach((text, i) => {
        const createdAt = start + i * 60_000
        ids.push(
          i === 0 ? write({ ...post, text, createdAt }) : write({ account: post.account!, text, createdAt }, { replyTo: ids[i - 1]! }),
        )
      })
      return ids
    },
    /** Edits the newest version: what comes of it is a new post with a new id. Returns that. */
    edit(id: string, change: Pick<NewTweet, 'text' | 'media' | 'createdAt' | 'late'>): string {
      const old = world.newest(at(id))
      const createdMs = change.createdAt === undefined ? Math.min(now(), old.createdMs + 300_000) : millis(change.createdAt)
      const late = change.late === undefined ? 0 : change.late === true ? Infinity : millis(change.late)
      const media = change.media?.map(mediaOf) ?? old.media
      return world.addPost({ ...old, text: change.text ?? old.text, media, createdMs, visibleMs: late }, old.history).id
    },
    /** Deletes a post in all its versions; its files go, and whatever repeats it. */
    deletePost(id: string): void {
      for (const version of at(id).history) {
        const post = at(version)
        world.deletePost(post)
        for (const media of post.media) media.isGone = true
      }
    },
    /** A post that was made `late` can be seen from now on. */
    appear(id: string): void {
      at(id).visibleMs = 0
    },
    like: (id: string, account?: string) => mark('likes', id, account),
    unlike: (id: string, account?: string) => unmark('likes', id, account),
    bookmark: (id: string, account?: string) => mark('bookmarks', id, account),
    unbookmark: (id: string, account?: string) => unmark('bookmarks', id, account),
    follow(username: string, account?: string): void {
      const [follower, target] = [who(account), world.accountBy(username)]
      if (!world.follows(follower, target)) world.shelfOf(follower).following.push({ order: world.nextOrder(), account: target })
    },
    unfollow(username: string, account?: string): void {
      const shelf = world.shelfOf(who(account))
      const target = world.accountBy(username)
      shelf.following = shelf.following.filter((one) => one.account !== target)
    },
    /** Only followers see what they post (or, with false, everybody again). */
    protect: (username: string, isProtected = true): void => void (who(username).isProtected = isProtected),
    /** X suspends the account (or takes it back): its own app is refused, others are not shown its posts. */
    suspend: (username: string, isSuspended = true): void => void (who(username).isSuspended = isSuspended),
    /** The handle changes, the id stays. */
    rename(username: string, to: string): void {
      const account = world.accountBy(username)
      const holder = world.byHandle.get(to.toLowerCase())
      if (holder && holder !== account && holder.username.toLowerCase() === to.toLowerCase()) throw new Error(`@${to} is taken`)
      account.username = to
      world.byHandle.set(to.toLowerCase(), account)
    },
    /** Changes what the profile says. */
    changeProfile(username: string, change: { name?: string; about?: string; location?: string; website?: string }): void {
      Object.assign(who(username), change)
    },
    /** From now on answers have this post broken in that way; null: whole again. */
    breakPost: (id: string, how: Breakage | null): void => void (at(id).broken = how),
    /** The files of a post can be had no longer, though the answers still name them (or, with false, again). */
    loseMedia(id: string, isGone = true): void {
      for (const media of at(id).media) media.isGone = isGone
    },
    /** Where a person stands: their id, and what they sign in with. */
    account(username?: string): { id: string; username: string; name: string; email: string | null; password: string | null } {
      const { id, name, email, password, username: current } = who(username)
      return { id, username: current, name, email, password }
    },
  }
}
export type Acts = ReturnType<typeof createActs>
