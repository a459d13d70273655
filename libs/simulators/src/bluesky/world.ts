import { cidForRawBytes } from '@atproto/lex-data'
import type { LexMap } from '@atproto/lex-data'
import { jsonToLex } from '@atproto/lex-json'
import { createRandom, encodePicture, makePicture, mimeOf } from '../kit/index.ts'
import type { PictureSpec } from '../kit/index.ts'
import { blobsIn, followRecord, likeRecord, partsOfUri, postRecord, profileRecord, repostRecord } from './records.ts'
import type { Blob, PostImage } from './records.ts'
import { blockOf } from './cids.ts'
import { endOf, generateRecords } from './generated.ts'
import { createRemote, didOf } from './remote.ts'
import { createRepository } from './repository.ts'
import type { Repository } from './repository.ts'
import { tidOf } from './tid.ts'
import type { AccountStatus, BlueskyOptions, GenerateRecords, NewImage, NewPost, Person, RecordValue, StrongRef } from './types.ts'

export type Account = Person & {
  name: string
  email: string
  password: string
  appPassword: string
  repo: Repository
  status: AccountStatus
}
type StoredBlob = { mimeType: string; size: number } & ({ bytes: Buffer } | { picture: PictureSpec })
const postType = 'app.bsky.feed.post'

/** Accounts with their repositories and blobs, and the ways to change them. Bytes of generated pictures are made when asked for. */
export async function createWorld(options: BlueskyOptions, now: () => number) {
  const seed = options.seed ?? 1
  const remote = createRemote(seed)
  const blobs = new Map<string, StoredBlob>()
  const uses = new Map<string, number>()
  let [lastMicros, batches, pictures] = [0, 0, 0]

  /** A record key from a time, never given twice. */
  const freshKey = (ms: number) => {
    lastMicros = Math.max(lastMicros + 1, Math.floor(ms * 1000))
    return tidOf(lastMicros, 7)
  }
  const pictureBytes = (picture: PictureSpec) => encodePicture(picture, { minBytes: options.pictureMinBytes ?? 0 })

  async function storeBlob(bytes: Buffer, mimeType: string, picture: PictureSpec | null): Promise<Blob> {
    const cid = await cidForRawBytes(bytes)
    blobs.set(String(cid), { mimeType, size: bytes.length, ...(picture ? { picture } : { bytes }) })
    return { cid, mimeType, size: bytes.length }
  }
  async function generatedImage(name: string, alt?: string): Promise<PostImage> {
    const picture = makePicture(name, options.pictureSize)
    const blob = await storeBlob(pictureBytes(picture), mimeOf(picture.format), picture)
    return { blob, alt: alt ?? picture.alt ?? '', width: picture.width, height: picture.height }
  }
  async function newImage(image: NewImage): Promise<PostImage> {
    if (!image.bytes) return generatedImage(`${seed}-scripted-${pictures++}`, image.alt)
    const blob = await storeBlob(Buffer.from(image.bytes), image.mimeType ?? 'image/jpeg', null)
    return { blob, alt: image.alt ?? '', width: image.width ?? 1, height: image.height ?? 1 }
  }

  const accounts = await Promise.all(
    (options.accounts ?? ['alice', 'bob']).map(async (name): Promise<Account> => {
      const random = createRandom(seed, name, 'secrets')
      const did = didOf(`${seed}-${name}`)
      const repo = await createRepository(did, `${seed}-${name}`)
      const person = {
        did,
        handle: `${name}${options.handleDomain ?? '.test'}`,
        displayName: name[0]!.toUpperCase() + name.slice(1),
        about: `I am ${name} & I <3 this.`,
      }
      const { blob } = await generatedImage(`${seed}-${name}-avatar`)
      await repo.addMany(
        [{ collection: 'app.bsky.actor.profile', rkey: 'self', block: blockOf(profileRecord(person, blob)) }],
        Date.parse('2023-05-06T07:08:09Z') * 1000,
      )
      const appPassword = [1, 2, 3, 4].map(() => random.hex(2)).join('-')
      return { ...person, name, email: `${name}@mail.example`, password: 'correct horse', appPassword, repo, status: 'active' }
    }),
  )
  const local = (name = accounts[0]!.name): Account => {
    const found = accounts.find((one) => one.name === name)
    if (!found) throw new Error(`no account ${name}`)
    return found
  }
  const accountBy = (actor: string) => accounts.find(({ did, handle }) => did === actor || handle === actor.toLowerCase()) ?? null
  const personBy = (actor: string): Person | null => accountBy(actor) ?? remote.person(actor)
  const mustKnow = (actor: string): Person => {
    const person = personBy(actor)
    if (!person) throw new Error(`nobody is called ${actor}`)
    return person
  }

  /** The id and value of the record at an address, wherever it lives; null when there is none. */
  async function recordAt(uri: string): Promise<(StrongRef & { value: RecordValue; author: Person }) | null> {
    const { did, collection, rkey } = partsOfUri(uri)
    const account = accountBy(did)
    if (!account) return collection === postType ? remote.find(did, rkey) : null
    const cid = account.repo.cid(collection, rkey)
    return cid === null ? null : { uri: `at://${account.did}/${collection}/${rkey}`, cid, value: account.repo.value(cid), author: account }
  }
  async function mustFind(uri: string): Promise<StrongRef & { value: RecordValue }> {
    const found = await recordAt(uri)
    if (!found) throw new Error(`no record ${uri}`)
    return found
  }
  async function replyRefs(uri: string): Promise<{ root: StrongRef; parent: StrongRef }> {
    const { value, cid } = await mustFind(uri)
    const parent = { uri, cid }
    const above = value.reply as { root: StrongRef } | undefined
    return { root: above ? { uri: above.root.uri, cid: above.root.cid } : parent, parent }
  }
  async function newPost(post: NewPost, createdAt: number): Promise<RecordValue> {
    const card = post.external
    const { thumb, ...external } = { title: '', description: '', ...card, uri: card?.uri ?? '' }
    const quoted = post.quote === undefined ? null : await mustFind(post.quote)
    const value = postRecord({
      text: post.text ?? 'Hello from a simulated server',
      createdAt,
      langs: post.langs ?? ['en'],
      images: await Promise.all((post.images ?? []).map(newImage)),
      external: card ? { ...external, thumb: thumb ? (await newImage({})).blob : null } : null,
      quote: quoted && { uri: quoted.uri, cid: quoted.cid },
      reply: post.replyTo === undefined ? null : await replyRefs(post.replyTo),
      mentions: (post.mentions ?? []).map(mustKnow),
      labels: post.labels ?? [],
    })
    return { ...value, ...(jsonToLex((post.extra ?? {}) as Parameters<typeof jsonToLex>[0]) as LexMap) }
  }
  async function create(account: Account, collection: string, value: RecordValue, rkey: string): Promise<string> {
    const old = account.repo.cid(collection, rkey)
    const before = old && account.repo.value(old)
    countBlobs(value, 1)
    await account.repo.put({ collection, rkey, value })
    if (before) countBlobs(before, -1)
    return `at://${account.did}/${collection}/${rkey}`
  }
  /** A blob that no record refers to any more is deleted, as the reference server does. */
  function countBlobs(value: RecordValue, change: 1 | -1) {
    for (const cid of blobsIn(value)) {
      const now = (uses.get(cid) ?? 0) + change
      uses.set(cid, now)
      if (now === 0) blobs.delete(cid)
    }
  }
  const subjectOf = async (uri: string | undefined): Promise<StrongRef> => {
    const found = uri === undefined ? remote.post(marked++) : await mustFind(uri)
    return { uri: found.uri, cid: found.cid }
  }
  let marked = 1_000_000

  const script = {
    /** Posts; returns the `at://` address. */
    async addPost(post: NewPost = {}): Promise<string> {
      const createdAt = post.createdAt === undefined ? now() : new Date(post.createdAt).getTime()
      return create(local(post.account), postType, await newPost(post, createdAt), post.rkey ?? freshKey(createdAt))
    },
    /** Replaces a post under the same key, as clients that edit do; another image set means other blobs. */
    async putRecord(uri: string, post: NewPost): Promise<string> {
      const { did, collection, rkey } = partsOfUri(uri)
      const old = await mustFind(uri)
      const createdAt = post.createdAt ?? (old.value.createdAt as string)
      return create(local(accountBy(did)?.name), collection, await newPost(post, new Date(createdAt).getTime()), rkey)
    },
    /** Writes any record as it is, given as JSON with `$link` and `$bytes`. */
    async putRaw(uri: string, json: Record<string, unknown>): Promise<string> {
      const { did, collection, rkey } = partsOfUri(uri)
      return create(local(accountBy(did)?.name), collection, jsonToLex(json as Parameters<typeof jsonToLex>[0]) as LexMap, rkey)
    },
    async deleteRecord(uri: string): Promise<void> {
      const { did, collection, rkey } = partsOfUri(uri)
      const old = await mustFind(uri)
      await local(accountBy(did)?.name).repo.remove(collection, rkey)
      countBlobs(old.value, -1)
    },
    /** Likes a post, by default one of another server; returns the like's address. */
    like: async (uri?: string, account?: string) =>
      create(local(account), 'app.bsky.feed.like', likeRecord(await subjectOf(uri), now()), freshKey(now())),
    repost: async (uri?: string, account?: string) =>
      create(local(account), 'app.bsky.feed.repost', repostRecord(await subjectOf(uri), now()), freshKey(now())),
    follow: async (actor: string, account?: string) =>
      create(local(account), 'app.bsky.graph.follow', followRecord(mustKnow(actor).did, now()), freshKey(now())),
    /** Adds generated records in one commit, spread evenly between two moments. Same seed, same content. */
    async generate(wanted: GenerateRecords = {}): Promise<void> {
      const { did, repo } = local(wanted.account)
      const name = `${wanted.seed ?? seed}-g${batches}`
      const records = await generateRecords(wanted, {
        did,
        name,
        clock: batches++,
        remote,
        image: generatedImage,
        made: (value) => countBlobs(value, 1),
      })
      await repo.addMany(records, endOf(wanted) * 1000)
    },
    /** Taken down by moderators, deactivated by the person, or back. */
    setStatus(status: AccountStatus, account?: string): void {
      local(account).status = status
    },
  }

  return {
    accounts,
    script,
    local,
    accountBy,
    personBy,
    recordAt,
    remote,
    /** A blob by its CID; null: none. */
    blob(cid: string): { bytes: Buffer; mimeType: string } | null {
      const found = blobs.get(cid)
      return found ? { mimeType: found.mimeType, bytes: 'bytes' in found ? found.bytes : pictureBytes(found.picture) } : null
    },
  }
}
export type World = Awaited<ReturnType<typeof createWorld>>
