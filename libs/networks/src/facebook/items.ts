import type { AS2Object, Item, PullIo } from '@asheville/core'
import { z } from 'zod'
import { absolute, addressOf } from './addresses.ts'
import { largest } from './api.ts'
import { attachedOf, attachmentsSchema, idSchema } from './attachments.ts'
import { sourceOf } from './media.ts'
import { htmlOf, tagSchema, tagsOf } from './text.ts'

type Whose = Pick<PullIo, 'account'>

const everyone = 'https://www.w3.org/ns/activitystreams#Public'
const text = z.string().nullish()
const instant = z.string().transform((given) => new Date(given).toISOString())
const summarySchema = z
  .object({ summary: z.object({ total_count: z.number() }).nullish() })
  .nullish()
  .catch(null)

/** https://developers.facebook.com/docs/graph-api/reference/place/ */
const placeSchema = z.object({
  id: idSchema.nullish(),
  name: text,
  location: z
    .looseObject({ latitude: z.number().nullish(), longitude: z.number().nullish(), city: text, country: text, street: text, zip: text })
    .nullish()
    .catch(null),
})

/** https://developers.facebook.com/docs/graph-api/reference/post/ */
const postSchema = z.object({
  id: idSchema,
  created_time: instant,
  message: text,
  message_tags: z.array(tagSchema).nullish().catch(null),
  story: text,
  permalink_url: text,
  parent_id: idSchema.nullish().catch(null),
  privacy: z.object({ value: text }).nullish().catch(null),
  place: placeSchema.nullish(),
  attachments: attachmentsSchema.nullish(),
  shares: z.object({ count: z.number() }).nullish().catch(null),
  reactions: summarySchema,
  comments: summarySchema,
})
const attachmentFields = 'media_type,type,title,description,url,unshimmed_url,target,media'
export const postFields = [
  'id,created_time,message,message_tags,story,permalink_url,parent_id,privacy,place,shares',
  'reactions.limit(0).summary(total_count),comments.limit(0).summary(total_count)',
  `attachments{${attachmentFields},subattachments.limit(100){${attachmentFields}}}`,
].join(',')

/** https://developers.facebook.com/docs/graph-api/reference/photo/ */
const photoSchema = z.object({
  id: idSchema,
  created_time: instant,
  name: text,
  alt_text: text,
  link: text,
  images: z.array(z.object({ source: z.url(), width: z.number(), height: z.number() })).nullish(),
  place: placeSchema.nullish(),
  album: z.object({ id: idSchema, name: text }).nullish().catch(null),
})
export const photoFields = 'id,created_time,name,alt_text,link,images,place,album{id,name}'

/** https://developers.facebook.com/docs/graph-api/reference/video/ */
const videoSchema = z.object({
  id: idSchema,
  created_time: instant,
  title: text,
  description: text,
  permalink_url: text,
  source: z.url().nullish().catch(null),
  length: z.number().nullish().catch(null),
  place: placeSchema.nullish(),
})
export const videoFields = 'id,created_time,title,description,permalink_url,source,length,place'

/** https://developers.facebook.com/docs/graph-api/reference/user/likes/: pages, with when they were liked. */
const likeSchema = z.object({ id: idSchema, created_time: instant, name: text, link: text, category: text })
export const likeFields = 'id,created_time,name,link,category'

/** https://developers.facebook.com/docs/graph-api/reference/event/ */
const eventSchema = z.object({
  id: idSchema,
  name: text,
  description: text,
  start_time: instant.nullish(),
  end_time: instant.nullish(),
  place: placeSchema.nullish(),
  cover: z.object({ id: idSchema, source: z.url() }).nullish().catch(null),
  rsvp_status: text,
  is_canceled: z.boolean().nullish(),
  is_online: z.boolean().nullish(),
  owner: z.object({ id: idSchema, name: text }).nullish().catch(null),
})
export const eventFields = 'id,name,description,start_time,end_time,place,cover,rsvp_status,is_canceled,is_online,owner'

/**
 * A post; a share of somebody's post, which is its parent; a check-in, which is any other post with a place. `updated_time` is left out: it
 * also is when somebody commented last.
 */
export function postItem(record: unknown, io: Whose): Item {
  const post = postSchema.parse(record)
  const id = addressOf(post.id)
  const { attachment, media, album } = attachedOf(post.attachments ?? { data: [] }, post.message)
  const isCheckIn = post.place && !post.parent_id
  const tag = tagsOf(post.message_tags ?? [])
  const object: AS2Object = {
    id,
    ...roleOf(post, actorOf(io)),
    url: absolute(post.permalink_url || id),
    published: post.created_time,
    ...contentOf(post),
    ...(attachment.length > 0 && { attachment }),
    ...(tag.length > 0 && { tag }),
    ...locationOf(post.place),
    ...(album && { 'asheville:album': album }),
    ...audienceOf(post.privacy?.value),
    replies: countOf(post.comments?.summary?.total_count),
    shares: countOf(post.shares?.count ?? 0),
    likes: countOf(post.reactions?.summary?.total_count),
  }
  return { id, contentType: isCheckIn ? 'check-ins' : 'posts', at: post.created_time, object, media, raw: record }
}

/** A photo that the person uploaded, in its largest size. */
export function photoItem(record: unknown, io: Whose): Item {
  const photo = photoSchema.parse(record)
  const id = addressOf(photo.id)
  const best = largest(photo.images ?? [])
  const file = sourceOf(photo.id, 'image', best ? { address: best.source, isBest: true } : null)
  const object: AS2Object = {
    id,
    type: 'Image',
    attributedTo: actorOf(io),
    url: absolute(photo.link || id),
    published: photo.created_time,
    ...(photo.name && { content: htmlOf(photo.name), source: plain(photo.name) }),
    attachment: [
      {
        type: 'Image',
        url: file.url,
        ...(best && { width: best.width, height: best.height }),
        ...(photo.alt_text && { name: photo.alt_text }),
      },
    ],
    ...locationOf(photo.place),
    ...(photo.album?.name && { 'asheville:album': { name: photo.album.name, url: addressOf(photo.album.id) } }),
  }
  return { id, contentType: 'photos', at: photo.created_time, object, media: [file], raw: record }
}

/** A video that the person uploaded. */
export function videoItem(record: unknown, io: Whose): Item {
  const video = videoSchema.parse(record)
  const id = addressOf(video.id)
  const file = sourceOf(video.id, 'video', video.source ? { address: video.source, isBest: true } : null)
  const object: AS2Object = {
    id,
    type: 'Video',
    attributedTo: actorOf(io),
    url: absolute(video.permalink_url || id),
    published: video.created_time,
    ...(video.title && { name: video.title }),
    ...(video.description && { content: htmlOf(video.description), source: plain(video.description) }),
    ...(video.length && { duration: `PT${Math.round(video.length * 1000) / 1000}S` }),
    attachment: [{ type: 'Video', url: file.url }],
    ...locationOf(video.place),
  }
  return { id, contentType: 'videos', at: video.created_time, object, media: [file], raw: record }
}

/** A page that the person likes. A like has no id of its own. */
export function likeItem(record: unknown, io: Whose): Item {
  const page = likeSchema.parse(record)
  const id = likeId(io, page.id)
  const liked = {
    id: addressOf(page.id),
    type: 'Page',
    url: absolute(page.link || addressOf(page.id)),
    ...(page.name && { name: page.name }),
    ...(page.category && { 'asheville:category': page.category }),
  }
  const object = { id, type: 'Like', actor: actorOf(io), published: page.created_time, object: liked }
  return { id, contentType: 'likes', at: page.created_time, object, media: [], raw: record }
}

/** An event that the person takes part in or was invited to. When that was is not told, and when it begins may change. */
export function eventItem(record: unknown): Item {
  const event = eventSchema.parse(record)
  const id = addressOf(event.id)
  const cover = event.cover && sourceOf(event.cover.id, 'image', { address: event.cover.source, isBest: false })
  const object: AS2Object = {
    id,
    type: 'Event',
    url: addressOf(`events/${event.id}`),
    ...(event.name && { name: event.name }),
    ...(event.description && { content: htmlOf(event.description), source: plain(event.description) }),
    ...(event.start_time && { startTime: event.start_time }),
    ...(event.end_time && { endTime: event.end_time }),
    ...(cover && { image: { type: 'Image', url: cover.url } }),
    ...locationOf(event.place),
    ...(event.owner && {
      attributedTo: { id: addressOf(event.owner.id), type: 'Profile', ...(event.owner.name && { name: event.owner.name }) },
    }),
    ...(event.rsvp_status && { 'asheville:rsvp': event.rsvp_status }),
    ...(event.is_canceled && { 'asheville:isCanceled': true }),
    ...(event.is_online && { 'asheville:isOnline': true }),
  }
  return { id, contentType: 'events', at: null, object, media: cover ? [cover] : [], raw: record }
}

const identified = z.object({ id: idSchema })
const dated = identified.extend({ created_time: instant })

/** How a record is named that is skipped. */
export function idOf(record: unknown): string | null {
  return identified.safeParse(record).data?.id ?? null
}

/** Where a record stands in a listing from new to old: Graph’s own cursors die with what they point to. */
export function markOf(record: unknown): string | null {
  const parsed = dated.safeParse(record)
  return parsed.success ? `${parsed.data.created_time} ${parsed.data.id}` : null
}

/** Whether a record stands at a mark or below. What shares its second with it is told by what came before. */
export function isAtOrBelow(record: unknown, mark: string): boolean {
  const own = markOf(record)
  return own !== null && (own === mark || own.split(' ')[0]! < mark.split(' ')[0]!)
}

function likeId(io: Whose, pageId: string): string {
  return `${actorOf(io)}#likes/${pageId}`
}

function actorOf({ account }: Whose): string {
  return addressOf(account.id)
}

function roleOf({ parent_id: parent, place }: z.infer<typeof postSchema>, actor: string): { type: string; [property: string]: unknown } {
  if (parent) return { type: 'Announce', actor, object: addressOf(parent) }
  return place ? { type: 'Arrive', actor } : { type: 'Note', attributedTo: actor }
}

/** The story (“Ann was at Blue Café”) is Facebook's sentence, and all there is of a post without words. */
function contentOf({ message, message_tags: tags, story }: z.infer<typeof postSchema>) {
  if (!message) return story ? { content: htmlOf(story) } : {}
  return { content: htmlOf(message, tags ?? []), source: plain(message), ...(story && { 'asheville:story': story }) }
}

function plain(content: string) {
  return { content, mediaType: 'text/plain' }
}

function locationOf(place: z.infer<typeof placeSchema> | null | undefined) {
  if (!place) return {}
  const { latitude, longitude, city, country, street, zip } = place.location ?? {}
  const address = Object.fromEntries(Object.entries({ street, zip, city, country }).filter(([, value]) => value))
  const isLocated = typeof latitude === 'number' && typeof longitude === 'number'
  return {
    location: {
      type: 'Place',
      ...(place.id && { id: addressOf(place.id), url: addressOf(place.id) }),
      ...(place.name && { name: place.name }),
      ...(isLocated && { latitude, longitude }),
      ...(Object.keys(address).length > 0 && { 'asheville:address': address }),
    },
  }
}

/** https://developers.facebook.com/docs/graph-api/reference/privacy/ */
const visibilities: Record<string, string> = {
  EVERYONE: 'public',
  ALL_FRIENDS: 'friends',
  FRIENDS_OF_FRIENDS: 'friends-of-friends',
  SELF: 'private',
  CUSTOM: 'custom',
}

function audienceOf(value: string | null | undefined) {
  if (!value) return {}
  return { ...(value === 'EVERYONE' && { to: [everyone] }), 'asheville:visibility': visibilities[value] ?? 'custom' }
}

function countOf(count: number | null | undefined) {
  return { type: 'Collection', ...(typeof count === 'number' && { totalItems: count }) }
}
