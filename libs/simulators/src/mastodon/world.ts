import { createContent, createRandom, lowerBound, makePicture } from '../kit/index.ts'
import type { Content } from '../kit/index.ts'
import type {
  AccountRecord,
  Batch,
  GenerateOptions,
  Mark,
  MastodonOptions,
  MediaFields,
  NewMedia,
  NewStatus,
  StatusFields,
  StatusRecord,
} from './types.ts'
import { generatedFields, localFields, remoteFields } from './generated.ts'
import { batchKey, keyAt, keyOf, msOf, parseKey, remoteMark } from './keys.ts'

const remoteStart = Date.parse('2018-01-01T00:00:00Z')
const remoteStepMs = 61_000
const day = 86_400_000

/** Everything a simulated Mastodon server knows, and the ways to change it. Statuses that were generated hold no text: it is computed when asked for. */
export function createWorld(options: MastodonOptions, now: () => number) {
  const seed = options.seed ?? 1
  const remoteContent: Content = createContent(`${seed}-remote`, { pictureRate: 0.3 })
  const locals = (options.accounts ?? ['alice', 'bob']).map((username, i) => localAccount(username, i, options.passwords?.[username]))
  const remoteAccounts = new Map<string, AccountRecord>()
  const byAccount = new Map(locals.map((account) => [account.id, createShelf()]))
  const edits = new Map<bigint, Partial<StatusFields>>()
  const goneRemote = new Set<bigint>()
  const goneFiles = new Set<string>()
  const files = new Map<string, { bytes: Buffer; mime: string }>()
  const marks = createRandom(seed, 'marks')
  let [nextMark, batches, people, stored] = [23_000_000n, 0, 0, 0]
  const markId = () => (nextMark += BigInt(marks.int(1, 900)))

  const shelfOf = (account: AccountRecord) => {
    const shelf = byAccount.get(account.id)
    if (!shelf) throw new Error(`${account.username} is not an account of this server`)
    return shelf
  }
  const local = (username: string): AccountRecord => {
    const account = locals.find((one) => one.username === username)
    if (!account) throw new Error(`no account ${username}`)
    return account
  }
  /** The account by its address, made when it is of another server and not known yet. */
  const accountBy = (acct: string): AccountRecord => {
    const [username = '', domain] = acct.replace(/^@/, '').split('@')
    if (domain === undefined) return local(username)
    const known = remoteAccounts.get(acct)
    if (known) return known
    const made = remoteAccount(username, domain, people++, remoteContent)
    remoteAccounts.set(acct, made)
    return made
  }
  const remotePerson = (index: number) => {
    const person = remoteContent.person(index % 40)
    return accountBy(`${person.username}@${index % 3 === 0 ? 'elsewhere.example' : 'far.example'}`)
  }
  const remoteStatus = (index: number): StatusRecord => ({
    key: keyAt(remoteStart + index * remoteStepMs, remoteMark),
    account: remotePerson(index),
    batch: null,
    index,
    fields: null,
  })

  function find(id: string | bigint): StatusRecord | null {
    const key = typeof id === 'bigint' ? id : parseKey(id)
    if (key === null) return null
    if ((key & 0xffffn) === remoteMark) {
      const index = (msOf(key) - remoteStart) / remoteStepMs
      return Number.isInteger(index) && index >= 0 && !goneRemote.has(key) ? remoteStatus(index) : null
    }
    for (const shelf of byAccount.values()) {
      const found: StatusRecord | undefined = shelf.statuses[lowerBound(shelf.statuses, keyOf, key)]
      if (found?.key === key) return found
    }
    return null
  }

  function fieldsOf(record: StatusRecord): StatusFields {
    const made =
      record.fields ??
      (record.batch ? generatedFields(record, remoteStatus, remotePerson) : remoteFields(record, remoteContent, remotePerson))
    const edit = edits.get(record.key)
    return edit ? { ...made, ...edit } : made
  }

  function freeKey(ms: number): bigint {
    for (let low = BigInt(createRandom(seed, ms).int(0, 0xfff)); ; low++) {
      const key = keyAt(ms, low & 0xffffn)
      if ((key & 0xffffn) !== remoteMark && find(key) === null) return key
    }
  }

  function storeMedia(media: NewMedia): MediaFields {
    const name = createRandom(seed, 'file', stored++).hex(8)
    const picture = makePicture(name, options.pictureSize)
    const file = `${name}.${media.extension ?? picture.format}`
    if (media.bytes) files.set(file, { bytes: Buffer.from(media.bytes), mime: media.mime ?? 'application/octet-stream' })
    const size = { width: media.width ?? picture.width, height: media.height ?? picture.height }
    return { name: file, type: media.type ?? 'image', description: media.description ?? null, ...size }
  }

  const script = {
    /** Posts as a local account (default: the first). Returns the id. */
    addStatus(status: NewStatus = {}): string {
      const account = local(status.account ?? locals[0]!.username)
      const key = freeKey(status.createdAt === undefined ? now() : new Date(status.createdAt).getTime())
      const parent = status.inReplyTo ? find(status.inReplyTo) : null
      const fields = localFields(status, (status.mentions ?? []).map(accountBy), parent, (status.media ?? []).map(storeMedia))
      const record: StatusRecord = { key, account, batch: null, index: -1, fields }
      const { statuses } = shelfOf(account)
      statuses.splice(lowerBound(statuses, keyOf, key), 0, record)
      return String(key)
    },
    /** Changes what is given; `editedAt` becomes now. */
    editStatus(id: string, change: NewStatus): void {
      const record = find(id)
      if (!record) throw new Error(`no status ${id}`)
      const old = fieldsOf(record)
      const media = change.media?.map(storeMedia)
      const fresh = localFields({ text: old.text, ...change }, old.mentions, null, media ?? old.media)
      const kept = change.text === undefined && change.content === undefined ? { content: old.content, tags: old.tags } : {}
      const same = { inReplyTo: old.inReplyTo, inReplyToAccount: old.inReplyToAccount, reblogOf: old.reblogOf, visibility: old.visibility }
      const plain = {
        spoilerText: change.spoilerText ?? old.spoilerText,
        sensitive: change.sensitive ?? old.sensitive,
        language: change.language ?? old.language,
      }
      edits.set(record.key, { ...fresh, ...kept, ...same, ...plain, poll: fresh.poll ?? old.poll, editedAt: now() })
    },
    /** Deletes a status, the boosts and marks of it, and its files. */
    deleteStatus(id: string): void {
      const record = find(id)
      if (!record) throw new Error(`no status ${id}`)
      const isRemote = (record.key & 0xffffn) === remoteMark
      for (const media of fieldsOf(record).media) goneFiles.add(media.name)
      for (const shelf of byAccount.values()) {
        shelf.statuses = shelf.statuses.filter((one) => one.key !== record.key && !isBoostOf(one, id, isRemote))
        shelf.favourites.remove(record.key)
        shelf.bookmarks.remove(record.key)
      }
      if (isRemote) goneRemote.add(record.key)
      edits.delete(record.key)
    },
    /** Marks a status as favourite. Without an id, one of another server that was not used so far. Returns the status's id. */
    favourite: (id?: string, account = locals[0]!.username) => mark('favourites', account, id),
    unfavourite: (id: string, account = locals[0]!.username) => shelfOf(local(account)).favourites.remove(BigInt(id)),
    bookmark: (id?: string, account = locals[0]!.username) => mark('bookmarks', account, id),
    unbookmark: (id: string, account = locals[0]!.username) => shelfOf(local(account)).bookmarks.remove(BigInt(id)),
    /** Follows an account by its address (`name@host`, or the name of a local one). */
    follow(acct: string, account = locals[0]!.username): void {
      const { following } = shelfOf(local(account))
      const target = accountBy(acct)
      if (!following.some((one) => one.account.id === target.id)) following.push({ id: markId(), account: target })
    },
    unfollow(acct: string, account = locals[0]!.username): void {
      const shelf = shelfOf(local(account))
      shelf.following = shelf.following.filter((one) => one.account.id !== accountBy(acct).id)
    },
    /** Adds generated statuses spread evenly between two moments, and marks and follows. Same seed, same content. */
    generate(wanted: GenerateOptions = {}): void {
      const account = local(wanted.account ?? locals[0]!.username)
      const shelf = shelfOf(account)
      const count = wanted.statuses ?? 0
      const from = new Date(wanted.from ?? '2022-01-01T00:00:00Z').getTime()
      const to = new Date(wanted.to ?? '2024-12-31T00:00:00Z').getTime()
      if (to - from < count) throw new Error('at most one generated status a millisecond')
      const name = `${wanted.seed ?? seed}-${batches++}`
      const batch: Batch = {
        name,
        from,
        stepMs: (to - from) / Math.max(1, count),
        count,
        wanted,
        content: createContent(name, { pictureRate: 0 }),
        size: options.pictureSize,
      }
      const fresh = Array.from({ length: count }, (_, index): StatusRecord => ({
        key: batchKey(batch, index),
        account,
        batch,
        index,
        fields: null,
      }))
      shelf.statuses = [...shelf.statuses, ...fresh].sort((a, b) => (a.key < b.key ? -1 : 1))
      for (let i = 0; i < (wanted.favourites ?? 0); i++) mark('favourites', account.username)
      for (let i = 0; i < (wanted.bookmarks ?? 0); i++) mark('bookmarks', account.username)
      for (let i = 0; i < (wanted.following ?? 0); i++) script.follow(`person${i}@${i % 2 ? 'far' : 'elsewhere'}.example`, account.username)
    },
  }

  function mark(kind: 'favourites' | 'bookmarks', username: string, id?: string): string {
    const marked = shelfOf(local(username))[kind]
    const record = id === undefined ? unusedRemote(marked, kind) : find(id)
    if (!record) throw new Error(`no status ${id}`)
    marked.add({ id: markId(), key: record.key })
    return String(record.key)
  }
  function unusedRemote(marked: Marks, kind: string): StatusRecord {
    for (;;) {
      const record = remoteStatus(marked.made++ * 2 + (kind === 'bookmarks' ? 1 : 0))
      if (!marked.has(record.key) && !goneRemote.has(record.key)) return record
    }
  }
  // Generated boosts are of other servers' statuses only: no need to compute the rest.
  const isBoostOf = (one: StatusRecord, id: string, isRemote: boolean) =>
    one.fields ? one.fields.reblogOf === id : isRemote && fieldsOf(one).reblogOf === id

  return {
    locals,
    find,
    fieldsOf,
    script,
    shelf: (account: AccountRecord) => byAccount.get(account.id) ?? null,
    accountById: (id: string) => locals.find((one) => one.id === id) ?? [...remoteAccounts.values()].find((one) => one.id === id) ?? null,
    accountBy: (acct: string) => locals.find((one) => one.username === acct) ?? remoteAccounts.get(acct) ?? null,
    /** The scripted bytes under a file name; null: none were given; `gone`: its status was deleted. */
    file: (name: string) => (goneFiles.has(name) ? 'gone' : (files.get(name) ?? null)),
  }
}
export type World = ReturnType<typeof createWorld>

export type Marks = ReturnType<typeof createMarks>
function createMarks() {
  let list: Mark[] = []
  const keys = new Set<bigint>()
  return {
    made: 0,
    list: (): readonly Mark[] => list,
    has: (key: bigint) => keys.has(key),
    add(mark: Mark) {
      if (keys.has(mark.key)) return
      keys.add(mark.key)
      list.push(mark)
    },
    remove(key: bigint) {
      if (keys.delete(key)) list = list.filter((one) => one.key !== key)
    },
  }
}

function createShelf() {
  return {
    statuses: [] as StatusRecord[],
    favourites: createMarks(),
    bookmarks: createMarks(),
    following: [] as { id: bigint; account: AccountRecord }[],
  }
}

function localAccount(username: string, index: number, password = 'correct horse'): AccountRecord {
  const createdMs = Date.parse('2017-04-05T06:07:08.900Z') + index * day
  return {
    id: String(keyAt(createdMs, 1n)),
    username,
    domain: null,
    displayName: username[0]!.toUpperCase() + username.slice(1),
    about: `I am ${username} & I <3 this place.`,
    createdMs,
    password,
    email: `${username}@mail.example`,
  }
}

function remoteAccount(username: string, domain: string, number: number, content: Content): AccountRecord {
  const createdMs = Date.parse('2018-02-01T00:00:00Z') + number * day
  const { about } = content.person(number)
  const displayName =
    Array.from({ length: 40 }, (_, i) => content.person(i)).find((one) => one.username === username)?.displayName ?? username
  return { id: String(keyAt(createdMs, 2n)), username, domain, displayName, about, createdMs, password: null, email: null }
}
