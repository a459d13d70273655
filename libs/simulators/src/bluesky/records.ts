import { parseCid } from '@atproto/lex-data'
import type { Cid } from '@atproto/lex-data'
import type { GeneratedPost } from '../kit/index.ts'
import type { Person, RecordValue, StrongRef } from './types.ts'

export type Blob = { cid: Cid; mimeType: string; size: number }
export type PostImage = { blob: Blob; alt: string; width: number; height: number }
export type PostParts = {
  text: string
  createdAt: number
  langs: string[]
  images: PostImage[]
  external: { uri: string; title: string; description: string; thumb: Blob | null } | null
  quote: StrongRef | null
  reply: { root: StrongRef; parent: StrongRef } | null
  mentions: Person[]
  labels: string[]
}

/** A blob as records refer to it (atproto.com/specs/data-model, Blob Type). */
export function blobRef({ cid, mimeType, size }: Blob): RecordValue {
  return { $type: 'blob', ref: cid, mimeType, size }
}

/** An `app.bsky.feed.post` record. */
export function postRecord(parts: PostParts): RecordValue {
  const facets = facetsOf(parts.text, parts.mentions)
  const embed = embedOf(parts)
  return {
    $type: 'app.bsky.feed.post',
    text: parts.text,
    createdAt: new Date(parts.createdAt).toISOString(),
    langs: parts.langs,
    ...(facets.length > 0 ? { facets } : {}),
    ...(embed ? { embed } : {}),
    ...(parts.reply ? { reply: { root: { ...parts.reply.root }, parent: { ...parts.reply.parent } } } : {}),
    ...(parts.labels.length > 0
      ? { labels: { $type: 'com.atproto.label.defs#selfLabels', values: parts.labels.map((val) => ({ val })) } }
      : {}),
  }
}

export function likeRecord(subject: StrongRef, createdAt: number): RecordValue {
  return { $type: 'app.bsky.feed.like', subject: { ...subject }, createdAt: new Date(createdAt).toISOString() }
}

export function repostRecord(subject: StrongRef, createdAt: number): RecordValue {
  return { $type: 'app.bsky.feed.repost', subject: { ...subject }, createdAt: new Date(createdAt).toISOString() }
}

export function followRecord(did: string, createdAt: number): RecordValue {
  return { $type: 'app.bsky.graph.follow', subject: did, createdAt: new Date(createdAt).toISOString() }
}

export function profileRecord(person: Person, avatar: Blob): RecordValue {
  return {
    $type: 'app.bsky.actor.profile',
    displayName: person.displayName,
    description: person.about,
    avatar: blobRef(avatar),
    createdAt: '2023-05-06T07:08:09.000Z',
  }
}

/** Text of a generated post as Bluesky would hold it; every third hostile one has a true NUL, which DAG-CBOR and JSON can carry. */
export function textOf(post: GeneratedPost, mention: Person | null): string {
  const nul = post.kind === 'hostile' && post.text.length % 3 === 0 ? ' \u0000 ' : ''
  const parts = [mention ? `@${mention.handle}` : '', post.text + nul, ...post.hashtags.map((tag) => `#${tag}`), post.link ?? '']
  return parts.filter(Boolean).join(' ')
}

function embedOf({ images, external, quote }: PostParts): RecordValue | null {
  const record = quote && { $type: 'app.bsky.embed.record', record: { ...quote } }
  const media = mediaOf(images, external)
  if (record && media) return { $type: 'app.bsky.embed.recordWithMedia', record, media }
  return record ?? media
}

function mediaOf(images: PostImage[], external: PostParts['external']): RecordValue | null {
  if (images.length > 0) {
    const list = images.map(({ blob, alt, width, height }) => ({ alt, image: blobRef(blob), aspectRatio: { width, height } }))
    return { $type: 'app.bsky.embed.images', images: list }
  }
  if (!external) return null
  const { thumb, ...rest } = external
  return { $type: 'app.bsky.embed.external', external: { ...rest, ...(thumb ? { thumb: blobRef(thumb) } : {}) } }
}

/** Links, hashtags and mentions by UTF-8 byte offsets (lexicon app.bsky.richtext.facet). */
function facetsOf(text: string, mentions: Person[]): RecordValue[] {
  const facets: RecordValue[] = []
  for (const found of text.matchAll(/https?:\/\/[^\s<>"']+|#[\p{L}\p{M}\p{N}_]+|@[\w.-]+/gu)) {
    const feature = featureOf(found[0], mentions)
    if (!feature) continue
    const byteStart = Buffer.byteLength(text.slice(0, found.index))
    facets.push({ index: { byteStart, byteEnd: byteStart + Buffer.byteLength(found[0]) }, features: [feature] })
  }
  return facets
}

function featureOf(word: string, mentions: Person[]): RecordValue | null {
  if (word.startsWith('#')) return { $type: 'app.bsky.richtext.facet#tag', tag: word.slice(1) }
  if (!word.startsWith('@')) return { $type: 'app.bsky.richtext.facet#link', uri: word }
  const person = mentions.find(({ handle }) => word === `@${handle}`)
  return person ? { $type: 'app.bsky.richtext.facet#mention', did: person.did } : null
}

/** Splits `at://did/collection/rkey`. Throws on anything else. */
export function partsOfUri(uri: string): { did: string; collection: string; rkey: string } {
  const found = /^at:\/\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(uri)
  if (!found) throw new Error(`not an at:// address of a record: ${uri}`)
  return { did: found[1]!, collection: found[2]!, rkey: found[3]! }
}

/** A CID from its text, or null. */
export function cidOf(text: string): Cid | null {
  try {
    return parseCid(text)
  } catch {
    return null
  }
}

/** The CIDs of the blobs that a record refers to. */
export function blobsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap(blobsIn)
  const map = value as Record<string, unknown>
  if (map.$type === 'blob') return [String(map.ref)]
  return Object.getPrototypeOf(value) === Object.prototype ? Object.values(map).flatMap(blobsIn) : []
}
