import { createContent, createRandom } from '../kit/index.ts'
import { postRecord, textOf } from './records.ts'
import { blockOf } from './cids.ts'
import { microsOf, tidOf } from './tid.ts'
import type { Person, RecordValue, StrongRef } from './types.ts'

const people = 40
const startMicros = Date.parse('2023-06-01T00:00:00Z') * 1000
const stepMicros = 61_000_000
const letters = 'abcdefghijklmnopqrstuvwxyz234567'

export type RemotePost = StrongRef & { author: Person; rkey: string; value: RecordValue }

/** A `did:plc` identifier that follows from a name. */
export function didOf(name: string): string {
  const random = createRandom(name, 'did')
  return `did:plc:${Array.from({ length: 24 }, () => random.pick([...letters])).join('')}`
}

/** People and posts of other servers: computed from their index, never kept. */
export function createRemote(seed: string | number) {
  const content = createContent(`${seed}-remote`, { longText: 250 })
  const persons = Array.from({ length: people }, (_, index): Person => {
    const { username, displayName, about } = content.person(index)
    const handle = `${username.replaceAll('_', '-')}.elsewhere.example`
    return { did: didOf(handle), handle, displayName, about }
  })
  const byDid = new Map(persons.map((person, index) => [person.did, index]))

  function post(index: number): RemotePost {
    const author = persons[index % people]!
    const made = content.post(index)
    const micros = startMicros + index * stepMicros
    const value = postRecord({
      text: textOf(made, null),
      createdAt: micros / 1000,
      langs: [made.language],
      images: [],
      external: made.link === null ? null : { uri: made.link, title: 'An article', description: 'Somewhere else', thumb: null },
      quote: null,
      reply: null,
      mentions: [],
      labels: [],
    })
    const rkey = tidOf(micros)
    return { uri: `at://${author.did}/app.bsky.feed.post/${rkey}`, cid: blockOf(value).cid, author, rkey, value }
  }

  return {
    persons,
    post,
    person: (actor: string) => persons.find(({ did, handle }) => did === actor || handle === actor) ?? null,
    /** The post at an address; null when there is none. */
    find(did: string, rkey: string): RemotePost | null {
      const index = (microsOf(rkey) - startMicros) / stepMicros
      const person = byDid.get(did)
      return person !== undefined && Number.isInteger(index) && index >= 0 && index % people === person ? post(index) : null
    },
  }
}
export type Remote = ReturnType<typeof createRemote>
