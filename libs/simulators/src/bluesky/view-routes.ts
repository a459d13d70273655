import { lexToJson } from '@atproto/lex-json'
import { createRandom } from '../kit/index.ts'
import type { Handler } from '../kit/index.ts'
import type { Sessions } from './sessions.ts'
import type { Person } from './types.ts'
import type { World } from './world.ts'
import { createXrpc, xrpcError } from './xrpc.ts'

type Add = (method: string, pattern: string, handler: Handler) => void
const uriPattern = /^at:\/\/[^/]+\/[^/]+\/[^/]+$/

/** The few `app.bsky.*` views that a reader needs: profiles, and posts by their addresses. */
export function addViewRoutes(add: Add, world: World, sessions: Sessions): void {
  const query = createXrpc(add, sessions)

  function basicProfile(person: Person, origin: string) {
    const account = world.accountBy(person.did)
    const cid = account?.repo.cid('app.bsky.actor.profile', 'self')
    const value = account && cid ? account.repo.value(cid) : null
    const avatar = value?.avatar as { ref: unknown } | undefined
    return {
      did: person.did,
      handle: person.handle,
      displayName: typeof value?.displayName === 'string' ? value.displayName : person.displayName,
      ...(avatar ? { avatar: `${origin}/img/avatar/plain/${person.did}/${String(avatar.ref)}@jpeg` } : {}),
      labels: [],
      createdAt: '2023-05-06T07:08:09.000Z',
    }
  }
  query('app.bsky.actor.getProfile', ({ need, call }) => {
    const person = world.personBy(need('actor'))
    if (!person) return xrpcError(400, 'InvalidRequest', 'Profile not found')
    const repo = world.accountBy(person.did)?.repo
    const counts = {
      followersCount: createRandom(person.did).int(0, 900),
      followsCount: repo?.count('app.bsky.graph.follow') ?? 0,
      postsCount: repo?.count('app.bsky.feed.post') ?? 0,
    }
    return {
      json: { ...basicProfile(person, call.origin), description: person.about, indexedAt: '2023-05-06T07:08:10.000Z', ...counts },
    }
  })
  query('app.bsky.feed.getPosts', async ({ call }) => {
    const uris = [...call.query.getAll('uris'), ...call.query.getAll('uris[]')]
    if (uris.length === 0 || uris.length > 25) return xrpcError(400, 'InvalidRequest', 'Error: uris must have between 1 and 25 elements')
    const posts: unknown[] = []
    for (const uri of uris) {
      const found = uriPattern.test(uri) ? await world.recordAt(uri) : null
      if (!found) continue
      const random = createRandom(found.uri)
      const counts = { replyCount: random.int(0, 9), repostCount: random.int(0, 9), likeCount: random.int(0, 99), quoteCount: 0 }
      const { value } = found
      posts.push({
        uri: found.uri,
        cid: found.cid,
        author: basicProfile(found.author, call.origin),
        record: lexToJson(value),
        ...counts,
        indexedAt: value.createdAt,
        labels: [],
      })
    }
    return { json: { posts } }
  })
  add('GET', '/img/*', ({ params }) => {
    const cid = /\/([^/@]+)@[a-z]+$/.exec(params.rest ?? '')?.[1]
    const blob = cid === undefined ? null : world.blob(cid)
    return blob ? { bytes: blob.bytes, headers: { 'content-type': blob.mimeType } } : { status: 404, text: 'Image not found' }
  })
}
