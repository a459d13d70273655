import { createContent, createRandom, lowerBound } from '../kit/index.ts'
import type { Account, Post, Shelf, Standing } from './records.ts'
import { snowflakeAt } from './snowflake.ts'
import type { TwitterOptions } from './types.ts'

const day = 86_400_000

/** The state of a simulated X: who there is, what was posted, and who may see it. It changes through the functions of `acts`. */
export function createWorld(options: TwitterOptions, now: () => number) {
  const seed = options.seed ?? 1
  const cast = createContent(`${seed}-cast`)
  const ids = createRandom(seed, 'twitter-ids')
  const accounts: Account[] = []
  const byId = new Map<string, Account>()
  /** Handles in use and those given up, in lower case: old mentions still lead to the person until somebody else takes the name. */
  const byHandle = new Map<string, Account>()
  const posts = new Map<string, Post>()
  const shelves = new Map<string, Shelf>()
  let [lastOrder, castSize] = [0, 0]

  const freeId = (ms: number): string => {
    for (let low = ids.int(0, 0x3fffff); ; low++) {
      const id = String(snowflakeAt(ms, low))
      if (!posts.has(id) && !byId.has(id)) return id
    }
  }

  function addAccount(username: string, more: Partial<Omit<Account, 'id' | 'username'>> = {}): Account {
    if (!/^\w{1,15}$/.test(username)) throw new Error(`${username}: a handle has 1 to 15 letters, digits and underscores`)
    if (byHandle.get(username.toLowerCase())?.username.toLowerCase() === username.toLowerCase()) throw new Error(`@${username} is taken`)
    const createdMs = more.createdMs ?? Date.parse('2011-03-21T09:30:00Z') + accounts.length * day
    const account: Account = {
      id: freeId(createdMs),
      username,
      name: username[0]!.toUpperCase() + username.slice(1),
      about: '',
      location: '',
      website: null,
      password: null,
      email: null,
      isProtected: false,
      isSuspended: false,
      ...more,
      createdMs,
    }
    accounts.push(account)
    byId.set(account.id, account)
    byHandle.set(username.toLowerCase(), account)
    shelves.set(account.id, { posts: [], likes: [], bookmarks: [], following: [] })
    return account
  }

  function accountBy(username: string): Account {
    const found = byHandle.get(username.replace(/^@/, '').toLowerCase())
    if (!found) throw new Error(`no account @${username}`)
    return found
  }

  /** One of those who are only there to be read, liked and followed. */
  function stranger(index: number): Account {
    while (castSize <= index) {
      const { username, displayName, about } = cast.person(castSize++)
      const handle = `${username}${castSize > 8 ? '' : '_x'}`.slice(0, 15)
      addAccount(byHandle.has(handle.toLowerCase()) ? `${username.slice(0, 9)}${castSize}`.slice(0, 15) : handle, {
        name: displayName,
        about,
      })
      strangers.push(accounts.at(-1)!)
    }
    return strangers[index]!
  }
  const strangers: Account[] = []

  function addPost(post: Omit<Post, 'id' | 'key' | 'conversationId' | 'history'>, history: string[] = []): Post {
    const id = freeId(post.createdMs)
    const parent = post.replyTo === null ? null : posts.get(post.replyTo)
    const made: Post = { ...post, id, key: BigInt(id), conversationId: parent?.conversationId ?? history[0] ?? id, history }
    history.push(id)
    posts.set(id, made)
    counts.delete(made.author)
    const shelf = shelfOf(made.author).posts
    const last = shelf.at(-1)
    if (last === undefined || last.key < made.key) shelf.push(made)
    else shelf.splice(lowerBound(shelf, keyOf, made.key), 0, made)
    return made
  }

  function deletePost(post: Post): void {
    post.isDeleted = true
    counts.delete(post.author)
  }

  /** What an account's posts are counted as, kept until one comes or goes: an answer may tell it of many accounts. */
  function countPosts(account: Account): { posts: number; withMedia: number } {
    const there = () => shelfOf(account).posts.filter((post) => !post.isDeleted)
    const counted = counts.get(account) ?? {
      posts: there().filter((post) => post.history.at(-1) === post.id).length,
      withMedia: there().filter((post) => post.media.length > 0).length,
    }
    counts.set(account, counted)
    return counted
  }
  const counts = new Map<Account, { posts: number; withMedia: number }>()

  const shelfOf = (account: Account): Shelf => shelves.get(account.id)!
  const follows = (viewer: Account, account: Account) => shelfOf(viewer).following.some((one) => one.account === account)

  function mayRead(account: Account, viewer: Account): boolean {
    return !account.isSuspended && (!account.isProtected || account === viewer || follows(viewer, account))
  }

  /** What `viewer` is told of a post. A retweet goes with what it repeats. */
  function standing(post: Post | undefined, viewer: Account): Standing {
    if (!post || post.isDeleted || post.visibleMs > now()) return 'missing'
    if (post.retweetOf !== null && standing(posts.get(post.retweetOf), viewer) !== 'seen') return 'missing'
    return mayRead(post.author, viewer) ? 'seen' : 'forbidden'
  }

  /** The newest version of a post that can be seen. */
  function newest(post: Post): Post {
    for (let i = post.history.length - 1; i > 0; i--) {
      const version = posts.get(post.history[i]!)
      if (version && version.visibleMs <= now()) return version
    }
    return posts.get(post.history[0]!) ?? post
  }

  return {
    seed,
    now,
    accounts,
    posts,
    addAccount,
    accountBy,
    byHandle,
    byId,
    stranger,
    addPost,
    deletePost,
    countPosts,
    shelfOf,
    follows,
    mayRead,
    standing,
    newest,
    nextOrder: () => ++lastOrder,
    /** An account's posts that `viewer` sees, newest first and in their newest version, at most `limit`. */
    timeline(account: Account, viewer: Account, limit: number, keep: (post: Post) => boolean = () => true): Post[] {
      const list = shelfOf(account).posts
      const shown: Post[] = []
      for (let i = list.length - 1; i >= 0 && shown.length < limit; i--) {
        const post = list[i]!
        if (keep(post) && standing(post, viewer) === 'seen' && newest(post) === post) shown.push(post)
      }
      return shown
    },
  }
}
export type World = ReturnType<typeof createWorld>

export const keyOf = (post: { key: bigint }): bigint => post.key
