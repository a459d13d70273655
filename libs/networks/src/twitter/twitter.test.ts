import { describeNetwork, type NetworkWorld, type WorldFault } from '@asheville/testkit'
import { createHttp } from '@asheville/http-client'
import { startTwitter, type Fault, type TwitterSimulator } from '@asheville/simulators'
import { twitter } from './index.ts'

const variablesFor = (server: TwitterSimulator) => ({ TWITTER_API_URL: server.url, TWITTER_WEB_URL: server.url })
const postAddress = (id: string) => `https://x.com/i/status/${id}`

/** The newest comes first, in the order in which the simulator has them. */
function worldOf(server: TwitterSimulator): NetworkWorld {
  const http = createHttp({ allow: ['127.0.0.0/8'], timeoutMs: 300 })
  const me = server.account().id
  const truth = () => server.truth('alice')
  const state = { count: 0, people: 0, faults: [] as { remove(): void }[] }
  const start = Date.parse('2023-01-01T00:00:00Z')
  const newest = () => truth().posts[0]!
  const add = (count: number) => {
    for (let index = 0; index < count; index++) {
      state.count += 1
      // Two of three share their second with another.
      const createdAt = start + Math.floor(state.count / 3) * 60_000 + (state.count % 3)
      server.post({ text: `Post ${state.count}`, createdAt, ...(index % 5 === 0 && { media: [{ alt: 'A picture' }] }) })
    }
  }
  const elsewhere = () => server.post({ account: 'bob', text: `Elsewhere ${(state.count += 1)}`, createdAt: start - state.count * 60_000 })
  const marks = (kind: 'likes' | 'bookmarks', mark: (id: string) => void, unmark: (id: string) => void) => ({
    many: 40,
    add(count: number) {
      for (let index = 0; index < count; index++) mark(elsewhere())
    },
    remove() {
      const { id } = truth()[kind][0]!
      unmark(id)
      return `https://x.com/i/user/${me}#${kind}/${id}`
    },
    break: () => server.breakPost(truth()[kind][0]!.id, 'noText'),
  })
  const faults: Record<WorldFault, Fault> = {
    unauthorized: { kind: 'unauthorized' },
    'rate-limited': { kind: 'rate-limited', retryAfterSeconds: 7 },
    'server-error': { kind: 'server-error' },
    hang: { kind: 'stall' },
  }
  return {
    http,
    token: server.issueTokens().accessToken,
    server: null,
    variables: variablesFor(server),
    streams: {
      posts: {
        many: 40,
        add,
        edit() {
          const { id, history } = newest()
          server.edit(id, { text: `Better words ${history.length}` })
          return postAddress(history[0]!)
        },
        remove() {
          const { id, history } = newest()
          server.deletePost(id)
          return postAddress(history[0]!)
        },
        break: () => server.breakPost(newest().id, 'badCreatedAt'),
        addLate: () => server.post({ text: 'Late', createdAt: start + Math.floor(state.count / 3) * 60_000 - 1000 }),
      },
      likes: marks('likes', server.like, server.unlike),
      bookmarks: marks('bookmarks', server.bookmark, server.unbookmark),
      follows: {
        many: 40,
        add(count) {
          for (let index = 0; index < count; index++) {
            const username = `person${(state.people += 1)}`
            server.createAccount({ username })
            server.follow(username)
          }
        },
        remove() {
          const { id, username } = truth().following[0]!
          server.unfollow(username)
          return `https://x.com/i/user/${me}#follows/${id}`
        },
      },
    },
    fault(fault) {
      for (const planned of state.faults.splice(0)) planned.remove()
      if (fault) state.faults.push(server.faults.add(faults[fault]))
    },
    charged() {
      const { postsRead = 0, usersRead = 0 } = server.counters.snapshot().other
      return postsRead + usersRead
    },
    rename: () => server.rename('alice', 'alice_now'),
    async close() {
      await http.close()
      await server.close()
    },
  }
}

describeNetwork(twitter, {
  async world() {
    return worldOf(await startTwitter({ rateLimits: null, maxResults: 15 }))
  },
})
