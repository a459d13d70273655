import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { AshevilleError, type Item, type LoginIo, type PullIo } from '@asheville/core'
import { createHttp, streamBody } from '@asheville/http-client'
import { startMastodon, type Fault, type MastodonSimulator } from '@asheville/simulators'
import { createReference, describeNetwork, type NetworkWorld, type WorldFault } from '@asheville/testkit'
import { mastodon } from './index.ts'
import { login } from './login.ts'

const scopes = [...login.scopes]

/** The newest comes first, in the order in which the simulator has them. */
function worldOf(server: MastodonSimulator, close: () => Promise<void>): NetworkWorld {
  const http = createHttp({ allow: [new URL(server.url).host], timeoutMs: 300 })
  const state = { count: 0, people: 0, faults: [] as { remove(): void }[] }
  const newest = () => server.truth()['alice']!.statuses[0]!.id
  const itemId = (id: string) => `${server.url}/users/alice/statuses/${id}`
  const start = Date.parse('2023-01-01T00:00:00Z')
  const add = (count: number) => {
    for (let index = 0; index < count; index++) {
      state.count += 1
      // Two of three share their second with another.
      const createdAt = start + Math.floor(state.count / 3) * 60_000 + (state.count % 3)
      server.addStatus({ text: `Post ${state.count}`, createdAt, ...(index % 5 === 0 && { media: [{ description: 'A picture' }] }) })
    }
  }
  const faults: Record<WorldFault, Fault> = {
    unauthorized: { kind: 'unauthorized' },
    'rate-limited': { kind: 'rate-limited', retryAfterSeconds: 7 },
    'server-error': { kind: 'server-error' },
    hang: { kind: 'stall' },
  }
  return {
    http,
    token: server.issueToken({ scopes }),
    server: server.url,
    streams: {
      statuses: {
        many: 90,
        add,
        edit() {
          const id = newest()
          server.editStatus(id, { text: 'Better words' })
          return itemId(id)
        },
        remove() {
          const id = newest()
          server.deleteStatus(id)
          return itemId(id)
        },
        addLate: () => server.addStatus({ text: 'Late', createdAt: start + Math.floor(state.count / 3) * 60_000 - 1000 }),
      },
      favourites: { many: 90, add: (count) => Array.from({ length: count }, () => server.favourite()) },
      bookmarks: { many: 90, add: (count) => Array.from({ length: count }, () => server.bookmark()) },
      follows: { many: 170, add: (count) => Array.from({ length: count }, () => server.follow(`person${state.people++}@far.example`)) },
    },
    fault(fault) {
      for (const planned of state.faults.splice(0)) planned.remove()
      if (fault) state.faults.push(server.faults.add(faults[fault]))
    },
    async close() {
      await http.close()
      await close()
    },
  }
}

describeNetwork(mastodon, {
  async world() {
    const server = await startMastodon({ rateLimit: null })
    return worldOf(server, () => server.close())
  },
})
