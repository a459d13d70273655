import type { AS2Object, Item, MediaSource } from '@asheville/core'
import { z } from 'zod'
import { accountSchema, statusSchema, type Account, type Attachment, type PlainStatus, type Poll } from './api.ts'

const everyone = 'https://www.w3.org/ns/activitystreams#Public'

/** A status of the person's own: a post, a poll, or a boost. */
export function statusItem(record: unknown): Item {
  const status = statusSchema.parse(record)
  const at = instant(status.created_at)
  const object: AS2Object = status.reblog
    ? {
        id: status.uri,
        type: 'Announce',
        actor: status.account.url,
        published: at,
        ...(status.url && { url: status.url }),
        ...audienceOf(status.visibility),
        object: postOf(status.reblog, personOf(status.reblog.account), status.account.url),
      }
    : postOf(status, status.account.url, status.account.url)
  const media = (status.reblog ?? status).media_attachments.flatMap(sourceOf)
  return { id: status.uri, contentType: 'posts', at, object, media, raw: record }
}

/** A favourite. The server tells neither when nor as what, so it is named after who liked what. Its files are not copied: README.md. */
export function likeItem(record: unknown, actor: string): Item {
  const status = statusSchema.parse(record)
  const id = `${actor}#likes/${status.id}`
  const object = { id, type: 'Like', actor, object: postOf(status, personOf(status.account), actor) }
  return { id, contentType: 'likes', at: null, object, media: [], raw: record }
}

/** A bookmark. AS2 has no word for it but adding something to a collection. */
export function bookmarkItem(record: unknown, actor: string): Item {
  const status = statusSchema.parse(record)
  const id = `${actor}#bookmarks/${status.id}`
  const target = { type: 'Collection', name: 'Bookmarks' }
  const object = { id, type: 'Add', actor, object: postOf(status, personOf(status.account), actor), target }
  return { id, contentType: 'bookmarks', at: null, object, media: status.media_attachments.flatMap(sourceOf), raw: record }
}

export function followItem(record: unknown, actor: string): Item {
  const account = accountSchema.parse(record)
  const id = `${actor}#follows/${account.id}`
  return { id, contentType: 'follows', at: null, object: { id, type: 'Follow', actor, object: personOf(account) }, media: [], raw: record }
}

const identified = z.object({ id: z.string().min(1) })
const addressed = z.object({ uri: z.string().min(1) })

/** A record's id on its server. */
export function markOf(record: unknown): string | null {
  const parsed = identified.safeParse(record)
  return parsed.success ? parsed.data.id : null
}

/** How a record is named that is skipped: its address where it has one. */
export function idOf(record: unknown): string | null {
  const parsed = addressed.safeParse(record)
  return parsed.success ? parsed.data.uri : markOf(record)
}

/** The id on the person's own server that an address of a status holds; null where other software has it elsewhere. */
export function localIdIn(uri: string): string | null {
  return /\/statuses\/([^/?#]+)(?:\/activity)?$/.exec(uri)?.[1] ?? null
}

/** `server`: any address on the person's server, whose ids the answers use. */
function postOf(status: PlainStatus, author: unknown, server: string): AS2Object {
  const attachment = [...status.media_attachments.flatMap(attachmentOf), ...cardOf(status)]
  const tag = tagsOf(status)
  return {
    id: status.uri,
    type: status.poll ? 'Question' : 'Note',
    attributedTo: author,
    content: status.content,
    published: instant(status.created_at),
    ...(status.edited_at && { updated: instant(status.edited_at) }),
    ...(status.url && { url: status.url }),
    ...(status.spoiler_text && { summary: status.spoiler_text }),
    ...(status.in_reply_to_id && { inReplyTo: parentOf(status, status.in_reply_to_id, server) }),
    ...(attachment.length > 0 && { attachment }),
    ...(tag.length > 0 && { tag }),
    ...(status.poll && questionOf(status.poll)),
    ...audienceOf(status.visibility),
    ...(status.sensitive && { 'asheville:sensitive': true }),
    ...(status.language && { 'asheville:language': status.language }),
    replies: countOf(status.replies_count),
    shares: countOf(status.reblogs_count),
    likes: countOf(status.favourites_count),
  }
}

/** Whoever else is meant by a status is among its tags; followers have no address here. */
function audienceOf(visibility: string) {
  const to = visibility === 'public' ? { to: [everyone] } : visibility === 'unlisted' ? { cc: [everyone] } : {}
  return { ...to, 'asheville:visibility': visibility }
}

/** A thread of one's own is linked by address. Of others only the id on this server is told: its API address leads there. */
function parentOf({ id, uri, account, in_reply_to_account_id: author }: PlainStatus, parent: string, server: string): string {
  if (localIdIn(uri) === id && author === account.id) return uri.replace(/\/statuses\/[^/]+$/, `/statuses/${parent}`)
  return new URL(`/api/v1/statuses/${encodeURIComponent(parent)}`, server).href
}

function questionOf(poll: Poll) {
  const options = poll.options.map(({ title, votes_count: votes }) => ({ type: 'Note', name: title, replies: countOf(votes) }))
  return { [poll.multiple ? 'anyOf' : 'oneOf']: options, ...(poll.expires_at && { endTime: instant(poll.expires_at) }) }
}

function tagsOf({ mentions, tags, quote }: PlainStatus): object[] {
  const quoted = quote?.quoted_status
  return [
    ...mentions.map(({ acct, url }) => ({ type: 'Mention', href: url, name: `@${acct}` })),
    ...tags.map(({ name, url }) => ({ type: 'Hashtag', href: url, name: `#${name}` })),
    // As https://codeberg.org/fediverse/fep/src/branch/main/fep/e232/fep-e232.md has quotes.
    ...(quoted ? [{ type: 'Link', href: quoted.uri, rel: 'quote', name: `RE: ${quoted.url ?? quoted.uri}` }] : []),
  ]
}

/** The page that a post links to, as its server shows it. */
function cardOf({ card }: PlainStatus): object[] {
  if (!card) return []
  return [{ type: 'Page', url: card.url, ...(card.title && { name: card.title }), ...(card.description && { summary: card.description }) }]
}

const kinds: Record<string, { type: string; kind: MediaSource['kind'] }> = {
  image: { type: 'Image', kind: 'image' },
  gifv: { type: 'Video', kind: 'video' },
  video: { type: 'Video', kind: 'video' },
  audio: { type: 'Audio', kind: 'audio' },
}
const document = { type: 'Document', kind: 'document' } as const

/**
 * The full-size file at the person's server, which keeps copies of others' files or gets them again. Where it came from is
 * only asked if there is no such thing: hundreds of servers, and each would learn who copies. Null while it is being processed.
 */
function addressOf({ url, remote_url: remote }: Attachment): string | null {
  return [url, remote].find((address) => address && URL.canParse(address)) ?? null
}

function sourceOf(attachment: Attachment): MediaSource[] {
  const url = addressOf(attachment)
  if (url === null) return []
  const mediaType = mediaTypeOf(url)
  return [{ url, kind: (kinds[attachment.type] ?? document).kind, ...(mediaType && { mediaType }) }]
}

function attachmentOf(attachment: Attachment): object[] {
  const url = addressOf(attachment)
  if (url === null) return []
  const { description, blurhash, meta } = attachment
  const { width, height, duration } = meta?.original ?? {}
  const mediaType = mediaTypeOf(url)
  return [
    {
      type: (kinds[attachment.type] ?? document).type,
      url,
      ...(mediaType && { mediaType }),
      ...(description && { name: description }),
      ...(width && height && { width, height }),
      ...(duration && { duration: `PT${Math.round(duration * 1000) / 1000}S` }),
      ...(meta?.focus && { 'asheville:focalPoint': [meta.focus.x, meta.focus.y] }),
      ...(blurhash && { 'asheville:blurhash': blurhash }),
    },
  ]
}

/** What Mastodon accepts for upload; the API tells the type in no other way. */
const mediaTypes: Record<string, string> = {
  ...{
    jpg: 'image/jpeg',
    jpeg: 'image/jpeg',
    png: 'image/png',
    gif: 'image/gif',
    webp: 'image/webp',
    avif: 'image/avif',
    heic: 'image/heic',
  },
  ...{ mp4: 'video/mp4', m4v: 'video/mp4', mov: 'video/quicktime', webm: 'video/webm' },
  ...{ mp3: 'audio/mpeg', ogg: 'audio/ogg', oga: 'audio/ogg', opus: 'audio/ogg', wav: 'audio/wav', flac: 'audio/flac', m4a: 'audio/mp4' },
}

function mediaTypeOf(url: string): string | undefined {
  return mediaTypes[/\.([a-z0-9]+)$/i.exec(new URL(url).pathname)?.[1]?.toLowerCase() ?? '']
}

function personOf(account: Account) {
  const type = account.bot ? 'Service' : account.group ? 'Group' : 'Person'
  return { id: account.url, type, name: account.display_name || account.username, preferredUsername: account.acct, url: account.url }
}

function countOf(count: number | null | undefined) {
  return { type: 'Collection', ...(typeof count === 'number' && { totalItems: count }) }
}

function instant(text: string): string {
  return new Date(text).toISOString()
}
