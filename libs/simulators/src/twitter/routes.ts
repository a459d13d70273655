import type { Answer, Call, Handler } from '../kit/index.ts'
import type { Answers, Asked } from './answers.ts'
import type { Billing } from './billing.ts'
import type { OAuth } from './oauth.ts'
import type { Bound, PageTokens } from './page-tokens.ts'
import { createParameters } from './parameters.ts'
import type { Parameters } from './parameters.ts'
import { partial, problems } from './problems.ts'
import type { PartialError } from './problems.ts'
import type { Account, Mark, Post } from './records.ts'
import { postLists, readLists, readSelection, userLists } from './selection.ts'
import type { TwitterOptions } from './types.ts'
import type { World } from './world.ts'

type Parts = {
  world: World
  oauth: OAuth
  answers: Answers
  tokens: PageTokens
  billing: Billing
  options: TwitterOptions
  clientId: string
}
type Add = (method: string, pattern: string, handler: Handler) => void
type Request = Asked & { call: Call; read: Parameters }
type Endpoint = {
  scopes: string[]
  lists: Record<string, string[]>
  parameters?: string[]
  /** Whether the posts that it gives count as usage. */
  isBilled?: boolean
  run(request: Request): Answer
}

const pageLimit = 100
const followLimit = 1000

/** The endpoints of X's API v2 that only read (docs.x.com: posts, timelines, likes, bookmarks, users, follows). */
export function addApi(
  add: Add,
  { world, oauth, answers, tokens, billing, options, clientId }: Parts,
  state: { isEnrolled: boolean },
): void {
  const longest = (limit: number) => Math.min(limit, options.maxResults ?? limit)

  function endpoint(pattern: string, { scopes, lists, parameters = [], isBilled = false, run }: Endpoint) {
    add('GET', pattern, (call) => {
      const token = call.token === null ? null : oauth.find(call.token)
      if (!token || !oauth.isGood(token)) return problems.unauthorized()
      if (!state.isEnrolled) return problems.notEnrolled(clientId)
      const { account, scopes: granted } = token.grant
      if (account.isSuspended) return problems.suspended()
      if (!scopes.every((scope) => granted.includes(scope))) return problems.forbidden()
      const { selection, faults } = readSelection(call, lists, parameters)
      const read = createParameters(call.query)
      read.faults.push(...faults)
      if (isBilled && billing.isCapped()) return problems.usageCapped(account.id)
      return run({ viewer: account, scopes: granted, selection, call, read })
    })
  }

  const refused = (read: Parameters): Answer | null => (read.faults.length > 0 ? problems.invalid(read.faults) : null)

  /** The account of an address; or the answer: a fault, or a 200 that has nothing but an error. */
  function accountOf({ call, read, viewer }: Request): Account | Answer {
    const id = read.pathId(call.params.id!)
    const refusal = refused(read)
    if (refusal) return refusal
    const account = world.byId.get(id)
    const nothing = (error: PartialError): Answer => ({ json: { errors: [error] } })
    if (!account) return nothing(partial.missing('user', 'id', id))
    if (account.isSuspended) return nothing(partial.suspended('id', id))
    return world.mayRead(account, viewer) ? account : nothing(partial.unauthorized('user', 'id', id, 'data'))
  }

  /** Likes and bookmarks are for their owner only. */
  function requireSelf({ call, read, viewer }: Request) {
    const { id } = call.params
    if (/^\d{1,19}$/.test(id!) && id !== viewer.id)
      read.note('id', id!, `The \`id\` query parameter value [${id}] must be the same as the authenticating user [${viewer.id}]`)
  }

  function bound({ call, read }: Request, list: string): Bound | null {
    const given = call.query.get('pagination_token')
    if (given === null) return null
    const found = tokens.read(list, given)
    if (!found) read.note('pagination_token', given, `The \`pagination_token\` query parameter value [${given}] is not valid`)
    return found
  }

  /** One page of a list of falling keys, and the tokens around it. */
  function pageOf<T>(list: readonly T[], keyOf: (one: T) => bigint, at: Bound | null, count: number, name: string) {
    let start = 0
    if (at?.direction === 'next') while (start < list.length && keyOf(list[start]!) >= at.key) start++
    if (at?.direction === 'previous') {
      let end = 0
      while (end < list.length && keyOf(list[end]!) > at.key) end++
      start = Math.max(0, end - count)
    }
    const items = list.slice(start, start + count)
    const [first, last] = [items[0], items.at(-1)]
    const hasMore = start + count < list.length
    const meta: Record<string, unknown> = {}
    const isMarks = name.endsWith('/liked_tweets') || name.endsWith('/bookmarks')
    if (last !== undefined && (hasMore || (isMarks && options.lastPageHasToken === true)))
      meta.next_token = tokens.make(name, { direction: 'next', key: keyOf(last) })
    if (start > 0 && first !== undefined) meta.previous_token = tokens.make(name, { direction: 'previous', key: keyOf(first) })
    return { items, meta }
  }

  const charged = (posts: readonly Post[]) =>
    billing.charge(
      'posts',
      posts.map(({ id }) => id),
    )

  endpoint('/2/users/me', {
    scopes: ['tweet.read', 'users.read'],
    lists: userLists,
    run: (request) => refused(request.read) ?? { json: single(answers.users([request.viewer], request)) },
  })
  endpoint('/2/users/by/username/:username', {
    scopes: ['tweet.read', 'users.read'],
    lists: userLists,
    run(request) {
      const { username } = request.call.params
      if (!/^\w{1,15}$/.test(username!))
        request.read.note('username', username!, `The \`username\` query parameter value [${username}] does not match ^[A-Za-z0-9_]{1,15}$`)
      const found = world.byHandle.get(username!.toLowerCase())
      const account = found?.username.toLowerCase() === username!.toLowerCase() ? found : null
      const refusal = refused(request.read)
      if (refusal) return refusal
      if (!account) return { json: { errors: [partial.missing('user', 'username', username!)] } }
      if (account.isSuspended) return { json: { errors: [partial.suspended('username', username!)] } }
      billing.charge('users', [account.id])
      return { json: single(answers.users([account], request)) }
    },
  })
  endpoint('/2/users/:id', {
    scopes: ['tweet.read', 'users.read'],
    lists: userLists,
    run(request) {
      const id = request.read.pathId(request.call.params.id!)
      const refusal = refused(request.read)
      if (refusal) return refusal
      const account = world.byId.get(id)
      if (!account) return { json: { errors: [partial.missing('user', 'id', id)] } }
      if (account.isSuspended) return { json: { errors: [partial.suspended('id', id)] } }
      billing.charge('users', [id])
      return { json: single(answers.users([account], request)) }
    },
  })

  endpoint('/2/users/:id/tweets', {
    scopes: ['tweet.read', 'users.read'],
    lists: postLists,
    parameters: ['id', 'since_id', 'until_id', 'max_results', 'exclude', 'pagination_token', 'start_time', 'end_time'],
    isBilled: true,
    run(request) {
      const { call, read, viewer } = request
      const name = `${call.params.id}/tweets`
      const count = Math.min(read.count(5, 100, 10), longest(pageLimit))
      const [since, until, from, to] = [read.id('since_id'), read.id('until_id'), read.time('start_time'), read.time('end_time')]
      const { values, faults } = readLists(call.query, { exclude: ['replies', 'retweets'] })
      read.faults.push(...faults)
      const at = bound(request, name)
      const account = accountOf(request)
      if (!('username' in account)) return account
      const exclude = values.exclude!
      const limit = options.timelineLimit ?? 3200
      const isWanted = (post: Post) =>
        !(exclude.has('retweets') && post.retweetOf !== null) &&
        (since === null ? from === null || post.createdMs >= from : post.key > since) &&
        (until === null ? to === null || post.createdMs < to : post.key < until)
      // What is older than the limit is left out before it is looked at what is wanted; without a limit that would be looking for nothing.
      const newest = world.timeline(
        account,
        viewer,
        exclude.has('replies') ? Math.min(800, limit) : limit,
        (post) => (!exclude.has('replies') || post.replyTo === null) && (limit < Infinity || isWanted(post)),
      )
      const wanted = newest.filter(isWanted)
      const { items, meta } = pageOf(wanted, ({ key }) => key, at, count, name)
      charged(items)
      const ends = items.length === 0 ? {} : { newest_id: items[0]!.id, oldest_id: items.at(-1)!.id }
      return { json: answers.posts(items, request, { meta: { result_count: items.length, ...ends, ...meta } }) }
    },
  })

  const marked = (kind: 'likes' | 'bookmarks', path: string, scope: string, min: number, limit: number) =>
    endpoint(`/2/users/:id/${path}`, {
      scopes: ['tweet.read', 'users.read', scope],
      lists: postLists,
      parameters: ['id', 'max_results', 'pagination_token'],
      isBilled: true,
      run(request) {
        const { call, read, viewer } = request
        const name = `${call.params.id}/${path}`
        const count = Math.min(read.count(min, 100, 100), longest(pageLimit))
        requireSelf(request)
        const at = bound(request, name)
        const account = accountOf(request)
        if (!('username' in account)) return account
        const marks = world.shelfOf(account)[kind].slice(-limit).reverse()
        const { items, meta } = pageOf(marks, ({ order }: Mark) => BigInt(order), at, count, name)
        const posts = items.map(({ id }) => world.newest(world.posts.get(id)!)).filter((post) => world.standing(post, viewer) === 'seen')
        charged(posts)
        return { json: answers.posts(posts, request, { meta: { result_count: posts.length, ...meta } }) }
      },
    })
  marked('likes', 'liked_tweets', 'like.read', 5, Infinity)
  marked('bookmarks', 'bookmarks', 'bookmark.read', 1, options.bookmarkLimit ?? 800)

  endpoint('/2/users/:id/following', {
    scopes: ['tweet.read', 'users.read', 'follows.read'],
    lists: userLists,
    parameters: ['id', 'max_results', 'pagination_token'],
    run(request) {
      const name = `${request.call.params.id}/following`
      const count = Math.min(request.read.count(1, followLimit, 100), longest(followLimit))
      const at = bound(request, name)
      const account = accountOf(request)
      if (!('username' in account)) return account
      const follows = world.shelfOf(account).following.toReversed()
      const { items, meta } = pageOf(follows, ({ order }) => BigInt(order), at, count, name)
      const people = items.map((follow) => follow.account).filter((one) => !one.isSuspended)
      billing.charge(
        'users',
        people.map(({ id }) => id),
      )
      return { json: answers.users(people, request, { result_count: people.length, ...meta }) }
    },
  })

  /** Posts by id, each in the version that was named; what cannot be had is an error beside them. */
  function lookup(ids: readonly string[], parameter: string, viewer: Account) {
    const posts: Post[] = []
    const errors: PartialError[] = []
    for (const id of new Set(ids)) {
      const post = world.posts.get(id)
      const standing = world.standing(post, viewer)
      if (standing === 'seen') posts.push(post!)
      else
        errors.push(standing === 'missing' ? partial.missing('tweet', parameter, id) : partial.unauthorized('tweet', parameter, id, 'data'))
    }
    charged(posts)
    return { posts, errors }
  }
  endpoint('/2/tweets', {
    scopes: ['tweet.read', 'users.read'],
    lists: postLists,
    parameters: ['ids'],
    isBilled: true,
    run(request) {
      const ids = request.read.ids()
      const refusal = refused(request.read)
      if (refusal) return refusal
      const { posts, errors } = lookup(ids, 'ids', request.viewer)
      return { json: answers.posts(posts, request, { errors }) }
    },
  })
  endpoint('/2/tweets/:id', {
    scopes: ['tweet.read', 'users.read'],
    lists: postLists,
    parameters: ['id'],
    isBilled: true,
    run(request) {
      const id = request.read.pathId(request.call.params.id!)
      const refusal = refused(request.read)
      if (refusal) return refusal
      const { posts, errors } = lookup([id], 'id', request.viewer)
      return { json: single(answers.posts(posts, request, { errors })) }
    },
  })
}

/** An answer about one thing has it as `data` itself. */
function single<T extends { data?: unknown }>(body: T): T {
  return Array.isArray(body.data) ? { ...body, data: body.data[0] as unknown } : body
}
