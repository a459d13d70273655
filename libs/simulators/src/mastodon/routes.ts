import { pageOf } from '../kit/index.ts'
import type { Answer, Bounds, Call, Handler } from '../kit/index.ts'
import type { Entities } from './entities.ts'
import { keyOf, parseKey } from './keys.ts'
import type { OAuth, Token } from './oauth.ts'
import { appEntity } from './oauth.ts'
import { allows } from './scopes.ts'
import type { AccountRecord, StatusRecord } from './types.ts'
import type { World } from './world.ts'

type Parts = { world: World; entities: Entities; oauth: OAuth; now: () => number }
type Add = (method: string, pattern: string, handler: Handler) => void
const filterKeys = ['only_media', 'exclude_replies', 'exclude_reblogs', 'tagged', 'pinned']

export const notFound: Answer = { status: 404, json: { error: 'Record not found' } }

export function unauthorized(error = 'The access token is invalid'): Answer {
  return {
    status: 401,
    json: { error },
    headers: {
      'www-authenticate': `Bearer realm="Doorkeeper", error="invalid_token", error_description="${error}"`,
      'cache-control': 'no-store',
    },
  }
}

/** The REST routes of docs.joinmastodon.org/methods that only read. */
export function addApi(add: Add, { world, entities, oauth, now }: Parts): void {
  /** Checks the token and its scopes; without `optional` there must be one of a person. */
  function signedIn(call: Call, scopes: string[], optional = false): { viewer: AccountRecord | null; token: Token | null } | Answer {
    if (call.token === null) return optional ? { viewer: null, token: null } : unauthorized()
    const token = oauth.find(call.token)
    if (!token) return unauthorized()
    if (token.revoked) return unauthorized('The access token was revoked')
    if (scopes.length > 0 && !scopes.some((scope) => allows(token.scopes, scope)))
      return { status: 403, json: { error: 'This action is outside the authorized scopes' } }
    if (!token.account && !optional) return { status: 422, json: { error: 'This method requires an authenticated user' } }
    return { viewer: token.account, token }
  }
  const withViewer = (scopes: string[], handler: (viewer: AccountRecord, call: Call) => Answer): Handler => {
    return (call) => {
      const auth = signedIn(call, scopes)
      return 'viewer' in auth ? handler(auth.viewer!, call) : auth
    }
  }
  const canSee = (record: StatusRecord, viewer: AccountRecord | null) => {
    const { visibility } = world.fieldsOf(record)
    return visibility === 'public' || visibility === 'unlisted' || viewer?.id === record.account.id
  }

  add('GET', '/api/v1/apps/verify_credentials', (call) => {
    const auth = signedIn(call, [], true)
    if (!('viewer' in auth)) return auth
    const app = auth.token && oauth.app(auth.token.clientId)
    return app ? { json: appEntity(app) } : unauthorized()
  })
  add(
    'GET',
    '/api/v1/accounts/verify_credentials',
    withViewer(['read:accounts', 'profile'], (viewer) => ({ json: entities.credentialAccount(viewer) })),
  )
  add('GET', '/api/v1/accounts/lookup', ({ query }) => {
    const found = world.accountBy(query.get('acct')?.replace(/^@/, '') ?? '')
    return found ? { json: entities.account(found) } : notFound
  })
  add('GET', '/api/v1/accounts/:id', ({ params }) => {
    const found = world.accountById(params.id!)
    return found ? { json: entities.account(found) } : notFound
  })

  add('GET', '/api/v1/accounts/:id/statuses', (call) => {
    const auth = signedIn(call, ['read:statuses'], true)
    if (!('viewer' in auth)) return auth
    const account = world.accountById(call.params.id!)
    if (!account) return notFound
    const keep = (record: StatusRecord) => matches(record, call.query, account) && canSee(record, auth.viewer)
    const needsFields = auth.viewer?.id !== account.id || filterKeys.some((key) => call.query.has(key))
    const page = pageOf(world.shelf(account)?.statuses ?? [], keyOf, boundsOf(call.query, 20, 40), needsFields ? keep : undefined)
    const ids = page.items.map(keyOf)
    return {
      json: page.items.map((record) => entities.status(record, auth.viewer)),
      headers: linksOf(call, ids, page.isFull, 'min_id', filterKeys),
    }
  })

  function matches(record: StatusRecord, query: URLSearchParams, account: AccountRecord): boolean {
    const fields = world.fieldsOf(record)
    const is = (name: string) => ['true', '1', 't', 'on'].includes(query.get(name) ?? '')
    if (is('exclude_reblogs') && fields.reblogOf !== null) return false
    if (is('exclude_replies') && fields.inReplyTo !== null && fields.inReplyToAccount !== account.id) return false
    if (is('only_media') && fields.media.length === 0) return false
    if (is('pinned') && !fields.pinned) return false
    const tag = query.get('tagged')
    return tag === null || fields.tags.some((name) => name.toLowerCase() === tag.toLowerCase())
  }

  const marked = (kind: 'favourites' | 'bookmarks') =>
    withViewer([`read:${kind}`], (viewer, call) => {
      const page = pageOf(world.shelf(viewer)![kind].list(), ({ id }) => id, boundsOf(call.query, 20, 40))
      const statuses = page.items.map((mark) => world.find(mark.key)).filter((record) => record !== null)
      const ids = page.items.map(({ id }) => id)
      return { json: statuses.map((record) => entities.status(record, viewer)), headers: linksOf(call, ids, page.isFull, 'min_id', []) }
    })
  add('GET', '/api/v1/favourites', marked('favourites'))
  add('GET', '/api/v1/bookmarks', marked('bookmarks'))

  add('GET', '/api/v1/accounts/:id/following', (call) => {
    const auth = signedIn(call, ['read:follows', 'read:accounts'], true)
    if (!('viewer' in auth)) return auth
    const account = world.accountById(call.params.id!)
    if (!account) return notFound
    const page = pageOf(world.shelf(account)?.following ?? [], ({ id }) => id, boundsOf(call.query, 40, 80))
    const ids = page.items.map(({ id }) => id)
    return { json: page.items.map((follow) => entities.account(follow.account)), headers: linksOf(call, ids, page.isFull, 'since_id', []) }
  })

  add('GET', '/api/v1/statuses', (call) => {
    const auth = signedIn(call, ['read:statuses'], true)
    if (!('viewer' in auth)) return auth
    const ids = call.query.getAll('id[]')
    if (ids.length > 20) return { status: 422, json: { error: 'Validation failed: too many ids' } }
    const found = ids.map((id) => world.find(id)).filter((record) => record !== null)
    return { json: found.filter((record) => canSee(record, auth.viewer)).map((record) => entities.status(record, auth.viewer)) }
  })
  add('GET', '/api/v1/statuses/:id', (call) => {
    const auth = signedIn(call, ['read:statuses'], true)
    if (!('viewer' in auth)) return auth
    const record = world.find(call.params.id!)
    return record && canSee(record, auth.viewer) ? { json: entities.status(record, auth.viewer) } : notFound
  })
  add('GET', '/api/v1/custom_emojis', () => ({ json: [] }))
  add('GET', '/health', () => ({ text: 'OK', headers: { date: new Date(now()).toUTCString() } }))
}

/** Paging parameters; a limit over the maximum is the maximum, one that is not a number the default. */
function boundsOf(query: URLSearchParams, normal: number, max: number): Bounds {
  const limit = Math.abs(Number.parseInt(query.get('limit') ?? '', 10))
  const key = (name: string) => parseKey(query.get(name) ?? '')
  return {
    maxId: key('max_id'),
    sinceId: key('since_id'),
    minId: key('min_id'),
    limit: Number.isNaN(limit) ? normal : Math.min(limit, max),
  }
}

/** The Link header (docs: API guidelines, Pagination): `next` only when the page was full, both only when it was not empty. */
function linksOf(call: Call, ids: bigint[], isFull: boolean, previous: 'min_id' | 'since_id', kept: string[]): Record<string, string> {
  const [first, last] = [ids[0], ids.at(-1)]
  if (first === undefined || last === undefined) return {}
  const link = (name: string, id: bigint, rel: string) => {
    const url = new URL(call.path, call.origin)
    for (const key of ['limit', ...kept]) if (call.query.has(key)) url.searchParams.set(key, call.query.get(key)!)
    url.searchParams.set(name, String(id))
    return `<${url.href}>; rel="${rel}"`
  }
  return { link: [...(isFull ? [link('max_id', last, 'next')] : []), link(previous, first, 'prev')].join(', ') }
}
