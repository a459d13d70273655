import { AshevilleError, newestFirst, type Network, type Part, type PullIo, type Range, type Stream } from '@asheville/core'
import { accessOf, getLikes, getMe, getPosts, hasPost, originOf } from './api.ts'
import { idOf, likeItem, postItem, vendorId } from './items.ts'

/**
 * The example that every network is copied from: it shows each part of the port once, in the order in which to write them. Its
 * vendor exists in memory only (world.ts). README.md says what the vendor's API cannot do; write that first.
 */
export const memory: Network = {
  // In rows, paths and queue names: never changes.
  id: 'memory',
  title: 'Memory',
  description: 'An example network that lives in this process: its posts with their pictures, and likes.',
  website: 'http://memory.test',
  // What an operator may want to change; a vendor's base address always is among it.
  variables: [{ name: 'MEMORY_API_URL', description: 'Where the example network answers', default: 'http://memory.test' }],
  // How much the vendor lets us ask, as its documentation says.
  budgets: [{ per: 'connection', requests: 600, windowMs: 60_000 }],
  // How people link an account. See `Login` for OAuth; all of it is data, the flow is shared.
  logins: [
    {
      kind: 'fields',
      fields: [
        { name: 'key', label: 'Key', kind: 'password', help: 'Make one at memory.test under Settings → Keys.', autocomplete: 'off' },
      ],
      async signIn(fields, io) {
        const key = (fields['key'] ?? '').trim()
        if (!key) throw wrongKey('Write your key')
        try {
          await getMe({ http: io.http, token: key, signal: io.signal, origin: originOf(io.variables) })
        } catch (error) {
          // Say it where the person acts: at the field.
          if (error instanceof AshevilleError && error.kind === 'reconnect-required') throw wrongKey('Memory does not know this key')
          throw error
        }
        return { tokens: { accessToken: key, expiresAt: null, refreshToken: null }, server: null, fields: {} }
      },
    },
  ],
  streams: [posts(), likes()],

  // Who the connection is; called before it is saved. The id must stay the same whatever the person renames.
  async account(io) {
    const me = await getMe(await accessOf(io))
    return { id: me.id, handle: me.name, title: me.name, url: me.url, declined: [] }
  },
}

/** A dated listing whose records have ids: the usual case. */
function posts(): Stream {
  return {
    name: 'posts',
    version: 1,
    contentTypes: ['posts'],
    ...newestFirst({
      async list({ before, after, range }, io) {
        const { posts, older, total } = await getPosts(await accessOf(io), { before, after, from: range.from, until: range.to })
        return { records: posts, older, available: { posts: total } }
      },
      item: postItem,
      idOf,
      mark: idOf,
      isDated: true,
      split: splitByDate,
      gone: confirmGone,
    }),
    gone: confirmGone,
  }
}

/** A listing without dates or ids, only with marks for its pages. */
function likes(): Stream {
  return {
    name: 'likes',
    version: 1,
    contentTypes: ['likes'],
    ...newestFirst({
      async list({ before, after }, io) {
        const { likes, older } = await getLikes(await accessOf(io), { before, after })
        return { records: likes, older }
      },
      item: (record, io) => likeItem(record, io.account.id),
      idOf,
    }),
  }
}

/** Which of these posts the vendor says are gone. Asked one by one: the vendor has no other way. */
async function confirmGone(ids: readonly string[], io: PullIo): Promise<string[]> {
  const gone: string[] = []
  for (const id of ids) if (!(await hasPost(await accessOf(io), vendorId(id)))) gone.push(id)
  return gone
}

/** A long history is pulled as two halves side by side; worth it only where the vendor can narrow a listing by date. */
async function splitByDate(range: Range, io: PullIo): Promise<Part[]> {
  const me = await getMe(await accessOf(io))
  const start = Math.max(Date.parse(me.joined_at), Date.parse(range.from ?? me.joined_at))
  const end = Math.min(io.now().getTime(), Date.parse(range.to ?? io.now().toISOString()))
  const middle = new Date((start + end) / 2).toISOString()
  const halves = [
    { from: middle, to: range.to },
    { from: range.from, to: middle },
  ]
  const ranges = me.post_count < 100 || end <= start ? [range] : halves
  return ranges.map((part) => ({ before: null, after: null, range: part }))
}

function wrongKey(message: string): AshevilleError {
  return new AshevilleError('invalid', message, { faults: [{ pointer: '/key', message }] })
}
