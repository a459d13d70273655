import { createContent } from '../kit/index.ts'
import { followRecord, likeRecord, postRecord, repostRecord, textOf } from './records.ts'
import type { PostImage } from './records.ts'
import { didOf } from './remote.ts'
import type { Remote } from './remote.ts'
import { blockOf } from './cids.ts'
import type { EncodedRecord } from './repository.ts'
import { tidOf } from './tid.ts'
import type { GenerateRecords, RecordValue, StrongRef } from './types.ts'

type Parts = {
  did: string
  name: string
  /** Low bits of the record keys: a number of this batch. */
  clock: number
  remote: Remote
  image(name: string): Promise<PostImage>
  /** Told of every record. */
  made(value: RecordValue): void
}
type Moment = { at: number; rkey: string }

export function startOf(wanted: GenerateRecords): number {
  return new Date(wanted.from ?? '2023-07-01T00:00:00Z').getTime()
}
export function endOf(wanted: GenerateRecords): number {
  return new Date(wanted.to ?? '2024-12-31T00:00:00Z').getTime()
}

/** Posts, likes, reposts and follows as asked for, encoded; posts in threads, with quotes, cards, images and mentions. */
export async function generateRecords(wanted: GenerateRecords, parts: Parts): Promise<EncodedRecord[]> {
  const [from, to] = [startOf(wanted), endOf(wanted)]
  const records: EncodedRecord[] = []
  const momentOf = (index: number, many: number): Moment => {
    const at = from + ((to - from) * index) / many
    return { at: Math.floor(at), rkey: tidOf(Math.floor(at * 1000), parts.clock) }
  }
  const add = (collection: string, rkey: string, value: RecordValue): EncodedRecord => {
    const record = { collection, rkey, block: blockOf(value) }
    records.push(record)
    parts.made(value)
    return record
  }
  const subjectOf = (index: number): StrongRef => {
    const { uri, cid } = parts.remote.post(index)
    return { uri, cid }
  }
  const each = (many: number | undefined, collection: string, make: (index: number, at: number) => RecordValue) => {
    for (let i = 0; i < (many ?? 0); i++) {
      const { at, rkey } = momentOf(i, many!)
      add(collection, rkey, make(i, at))
    }
  }

  const post = createPosts(wanted, parts)
  for (let i = 0; i < (wanted.posts ?? 0); i++) {
    const moment = momentOf(i, wanted.posts!)
    const { block, rkey } = add('app.bsky.feed.post', moment.rkey, await post.make(i, moment.at))
    post.done({ uri: `at://${parts.did}/app.bsky.feed.post/${rkey}`, cid: block.cid })
  }
  each(wanted.likes, 'app.bsky.feed.like', (index, at) => likeRecord(subjectOf(index), at))
  each(wanted.reposts, 'app.bsky.feed.repost', (index, at) => repostRecord(subjectOf(500_000 + index), at))
  each(wanted.follows, 'app.bsky.graph.follow', (index, at) =>
    followRecord(parts.remote.persons[index]?.did ?? didOf(`${parts.name}-${index}`), at),
  )
  return records
}

function createPosts(wanted: GenerateRecords, { name, remote, image }: Parts) {
  const rate = wanted.withImages === true ? 0.3 : Number(wanted.withImages ?? 0)
  const content = createContent(name, { pictureRate: wanted.images === undefined ? rate : 0, longText: 290 })
  const share = (index: number) => Math.floor((index * (wanted.images ?? 0)) / (wanted.posts ?? 1))
  let last: { post: StrongRef; root: StrongRef } | null = null
  let root: StrongRef | null = null
  return {
    async make(index: number, at: number): Promise<RecordValue> {
      const post = content.post(index)
      const many = wanted.images === undefined ? post.pictures.length : share(index + 1) - share(index)
      const images: PostImage[] = []
      for (let i = 0; i < many; i++) images.push(await image(`${name}-${index}-${i}`))
      const mention = post.mentions === null ? null : remote.persons[post.mentions]!
      const quoted = index % 17 === 5 ? remote.post(index) : null
      const above = post.continuesThread ? last : null
      root = above?.root ?? null
      return postRecord({
        text: textOf(post, mention),
        createdAt: at,
        langs: [post.language],
        images,
        external:
          post.link === null
            ? null
            : { uri: post.link, title: `Article ${index}`, description: 'What the page says of itself', thumb: null },
        quote: quoted && { uri: quoted.uri, cid: quoted.cid },
        reply: above && { root: above.root, parent: above.post },
        mentions: mention ? [mention] : [],
        labels: post.warning === null ? [] : ['graphic-media'],
      })
    },
    /** Tells the address of the post made last, for answers to it. */
    done(post: StrongRef) {
      last = { post, root: root ?? post }
    },
  }
}
