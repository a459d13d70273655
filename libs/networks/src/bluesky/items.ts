import type { AS2Object, Item, MediaSource } from '@asheville/core'
import { z } from 'zod'
import { blobUrl } from './api.ts'

/** Whose repository it is, and where it lies. */
export interface Owner {
  did: string
  server: string
}

const link = z.object({ $link: z.string() })
const blob = z.object({ ref: link, mimeType: z.string().optional(), size: z.number().optional() })
const aspectRatio = z.object({ width: z.number(), height: z.number() }).optional()
const strongRef = z.object({ uri: z.string() })

const embedSchema = z.looseObject({
  $type: z.string(),
  images: z.array(z.object({ image: blob, alt: z.string().default(''), aspectRatio })).optional(),
  video: blob.optional(),
  alt: z.string().optional(),
  aspectRatio,
  external: z
    .object({ uri: z.string(), title: z.string().default(''), description: z.string().default(''), thumb: blob.optional() })
    .optional(),
  record: z.union([strongRef, z.object({ record: strongRef })]).optional(),
  media: z.unknown().optional(),
})

const facetSchema = z.object({
  index: z.object({ byteStart: z.number(), byteEnd: z.number() }),
  features: z.array(
    z.looseObject({ $type: z.string(), uri: z.string().optional(), did: z.string().optional(), tag: z.string().optional() }),
  ),
})
type Facet = z.infer<typeof facetSchema>

const postSchema = z.object({
  text: z.string(),
  createdAt: z.string(),
  facets: z.array(z.unknown()).optional(),
  embed: embedSchema.optional(),
  reply: z.object({ parent: strongRef, root: strongRef }).optional(),
  langs: z.array(z.string()).optional(),
  tags: z.array(z.string()).optional(),
  labels: z.object({ values: z.array(z.object({ val: z.string() })).optional() }).optional(),
})

const reactionSchema = z.object({ subject: strongRef, createdAt: z.string() })
const followSchema = z.object({ subject: z.string(), createdAt: z.string() })

/** Collections that become items, and as what. */
export const collections = {
  'app.bsky.feed.post': { contentType: 'posts', map: note },
  'app.bsky.feed.repost': { contentType: 'posts', map: announce },
  'app.bsky.feed.like': { contentType: 'likes', map: like },
  'app.bsky.graph.follow': { contentType: 'follows', map: follow },
} as const

export type Collection = keyof typeof collections

export function isCollection(name: string): name is Collection {
  return Object.hasOwn(collections, name)
}

/** A record, as JSON (https://atproto.com/specs/data-model#json-encoding), to an item. Throws a ZodError for one that is not as its lexicon says. */
export function itemOf(collection: Collection, rkey: string, record: unknown, owner: Owner): Item {
  const id = `at://${owner.did}/${collection}/${rkey}`
  const { contentType, map } = collections[collection]
  const { object, media, createdAt } = map(record, { id, rkey, owner, actor: profileUrl(owner.did) })
  const at = instantOf(createdAt, rkey)
  return { id, contentType, at, object: { ...object, id, ...(at !== null && { published: at }) }, media, raw: record }
}

interface Context {
  id: string
  rkey: string
  owner: Owner
  actor: string
}

interface Mapped {
  object: Omit<AS2Object, 'id'> & { type: string }
  media: MediaSource[]
  createdAt: string
}

function note(record: unknown, { rkey, owner, actor }: Context): Mapped {
  const post = postSchema.parse(record)
  const facets = (post.facets ?? []).flatMap((facet) => facetSchema.safeParse(facet).data ?? [])
  const { attachments, media, quotes } = embedded(post.embed, owner)
  const content = htmlOf(post.text, facets)
  const tags = [...tagsOf(facets), ...(post.tags ?? []).map((name) => ({ type: 'Hashtag', name: `#${name}` }))]
  const warnings = post.labels?.values?.map(({ val }) => val) ?? []
  return {
    object: {
      type: 'Note',
      url: `${actor}/post/${rkey}`,
      attributedTo: actor,
      content,
      ...(post.langs?.length === 1 && { contentMap: { [post.langs[0]!]: content } }),
      source: { content: post.text, mediaType: 'text/plain' },
      ...(post.reply && { inReplyTo: post.reply.parent.uri, context: post.reply.root.uri }),
      ...(tags.length > 0 && { tag: tags }),
      ...(attachments.length > 0 && { attachment: attachments }),
      ...(quotes !== null && { 'asheville:quotes': quotes }),
      ...(warnings.length > 0 && { sensitive: true, summary: warnings.join(', ') }),
    },
    media,
    createdAt: post.createdAt,
  }
}

function announce(record: unknown, { actor }: Context): Mapped {
  const { subject, createdAt } = reactionSchema.parse(record)
  return { object: { type: 'Announce', actor, object: subject.uri, url: webAddress(subject.uri) }, media: [], createdAt }
}

function like(record: unknown, { actor }: Context): Mapped {
  const { subject, createdAt } = reactionSchema.parse(record)
  return { object: { type: 'Like', actor, object: subject.uri, url: webAddress(subject.uri) }, media: [], createdAt }
}

function follow(record: unknown, { actor }: Context): Mapped {
  const { subject, createdAt } = followSchema.parse(record)
  return { object: { type: 'Follow', actor, object: profileUrl(subject), url: profileUrl(subject) }, media: [], createdAt }
}

function embedded(embed: z.infer<typeof embedSchema> | undefined, owner: Owner) {
  const attachments: Record<string, unknown>[] = []
  const media: MediaSource[] = []
  let quotes: string | null = null
  if (!embed) return { attachments, media, quotes }

  const attach = (kind: 'image' | 'video', { ref, mimeType }: z.infer<typeof blob>, properties: Record<string, unknown>) => {
    const url = blobUrl(owner.server, owner.did, ref.$link)
    media.push({ url, kind, ...(mimeType !== undefined && { mediaType: mimeType }) })
    attachments.push({
      type: kind === 'image' ? 'Image' : 'Video',
      url,
      ...(mimeType !== undefined && { mediaType: mimeType }),
      ...properties,
    })
  }
  const described = (name: string | undefined, size: z.infer<typeof aspectRatio>) => ({ ...(name && { name }), ...size })

  for (const { image, alt, aspectRatio: size } of embed.images ?? []) attach('image', image, described(alt, size))
  if (embed.video) attach('video', embed.video, described(embed.alt, embed.aspectRatio))
  if (embed.external) {
    const { uri, title, description, thumb } = embed.external
    attachments.push({ type: 'Page', url: uri, ...(title && { name: title }), ...(description && { summary: description }) })
    if (thumb) attach('image', thumb, { 'asheville:previewOf': uri })
  }
  if (embed.record) quotes = 'record' in embed.record ? embed.record.record.uri : embed.record.uri
  const inner = embedSchema.safeParse(embed.media)
  if (inner.success) {
    const more = embedded(inner.data, owner)
    attachments.push(...more.attachments)
    media.push(...more.media)
  }
  return { attachments, media, quotes }
}

/** Facets count UTF-8 bytes (https://docs.bsky.app/docs/advanced-guides/post-richtext); overlapping ones are left out. */
function htmlOf(text: string, facets: readonly Facet[]): string {
  const bytes = Buffer.from(text)
  const ordered = facets
    .filter(({ index }) => index.byteStart >= 0 && index.byteStart < index.byteEnd && index.byteEnd <= bytes.length)
    .sort((a, b) => a.index.byteStart - b.index.byteStart)
  let html = ''
  let at = 0
  for (const { index, features } of ordered) {
    const href = features.map(addressOf).find((address) => address !== null)
    if (!href || index.byteStart < at) continue
    html += `${escaped(bytes.subarray(at, index.byteStart))}<a href="${escaped(href)}">${escaped(bytes.subarray(index.byteStart, index.byteEnd))}</a>`
    at = index.byteEnd
  }
  html += escaped(bytes.subarray(at))
  return html
    .split(/\n{2,}/)
    .map((paragraph) => `<p>${paragraph.replaceAll('\n', '<br>')}</p>`)
    .join('')
}

function addressOf(feature: Facet['features'][number]): string | null {
  if (feature.uri !== undefined) return /^https?:\/\//i.test(feature.uri) ? feature.uri : null
  if (feature.did !== undefined) return profileUrl(feature.did)
  if (feature.tag !== undefined) return `https://bsky.app/hashtag/${encodeURIComponent(feature.tag)}`
  return null
}

function tagsOf(facets: readonly Facet[]): Record<string, unknown>[] {
  const features = facets.flatMap((facet) => facet.features)
  const mentions = features.filter(({ did }) => did !== undefined).map(({ did }) => ({ type: 'Mention', href: profileUrl(did!) }))
  const hashtags = features.filter(({ tag }) => tag !== undefined).map(({ tag }) => ({ type: 'Hashtag', name: `#${tag}` }))
  return [...mentions, ...hashtags]
}

function escaped(text: string | Buffer): string {
  return text.toString().replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function profileUrl(did: string): string {
  return `https://bsky.app/profile/${did}`
}

/** Where people open a record: only posts have a page. */
function webAddress(uri: string): string {
  const [did = '', collection, rkey] = uri.slice('at://'.length).split('/')
  return collection === 'app.bsky.feed.post' && rkey ? `${profileUrl(did)}/post/${rkey}` : profileUrl(did)
}

/**
 * When a record was made. `createdAt` is what the app claimed; where it is no date, the key tells (a TID counts microseconds:
 * https://atproto.com/specs/tid), and where that is none either, nobody knows.
 */
function instantOf(createdAt: string, rkey: string): string | null {
  const claimed = new Date(createdAt)
  if (!Number.isNaN(claimed.getTime()) && claimed.getUTCFullYear() >= 1 && claimed.getUTCFullYear() <= 9999) return claimed.toISOString()
  if (!/^[2-7a-j][2-7a-z]{12}$/.test(rkey)) return null
  const value = [...rkey].reduce((sum, digit) => sum * 32n + BigInt('234567abcdefghijklmnopqrstuvwxyz'.indexOf(digit)), 0n)
  return new Date(Number((value >> 10n) / 1000n)).toISOString()
}
