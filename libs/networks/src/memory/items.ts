import type { AS2Object, Item, MediaSource } from '@asheville/core'
import { z } from 'zod'
import { postSchema, type Post } from './api.ts'

/*
 * Pure: the vendor's records in, items out. A record that is not as it should be throws; the walk skips and reports it.
 * Properties are those of https://www.w3.org/TR/activitystreams-vocabulary/, anything else is prefixed `asheville:`.
 */

const likeSchema = z.object({ post: postSchema })

/** A record of `GET /posts`. */
export function postItem(record: unknown): Item {
  const post = postSchema.parse(record)
  return {
    id: post.url,
    contentType: 'posts',
    at: new Date(post.created_at).toISOString(),
    object: noteOf(post),
    media: post.pictures.map(({ url }): MediaSource => ({ url, kind: 'image' })),
    raw: record,
  }
}

/** A record of `GET /likes`. The vendor tells neither an id nor a time for a like, so the id is made of who liked what. */
export function likeItem(record: unknown, actor: string): Item {
  const { post } = likeSchema.parse(record)
  const id = `${actor}#likes/${encodeURIComponent(post.url)}`
  return { id, contentType: 'likes', at: null, object: { id, type: 'Like', actor, object: noteOf(post) }, media: [], raw: record }
}

/** The vendor's own id of a post, from our id of it. */
export function vendorId(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1)
}

/** How a record that is skipped is named. */
export function idOf(record: unknown): string | null {
  const named = z.object({ id: z.string() }).safeParse(record)
  return named.success ? named.data.id : null
}

function noteOf(post: Post): AS2Object {
  return {
    id: post.url,
    type: 'Note',
    attributedTo: post.author,
    url: post.url,
    content: post.text,
    published: new Date(post.created_at).toISOString(),
    ...(post.edited_at !== null && { updated: new Date(post.edited_at).toISOString() }),
    ...(post.pictures.length > 0 && { attachment: post.pictures.map(imageOf) }),
    likes: { type: 'Collection', totalItems: post.like_count },
  }
}

function imageOf({ url, alt, width, height }: Post['pictures'][number]) {
  return { type: 'Image', url, ...(alt !== null && { name: alt }), ...(width && height && { width, height }) }
}
