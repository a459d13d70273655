import type { AskedField } from './asked-fields.ts'
import { errors } from './errors.ts'
import type { Media } from './media.ts'
import { pick } from './node-types.ts'
import type { Wire } from './node-types.ts'
import type { Link, Photo, Post, Video } from './records.ts'
import { site } from './shared-fields.ts'
import { nameOf } from './world.ts'

const parts = 'description description_tags media media_type subattachments target title type unshimmed_url url'.split(' ')
const defaults = ['description', 'media', 'subattachments', 'target', 'title', 'type', 'url']
const mediaParts = ['image', 'source']
/** So many pictures of an album are given unless more are asked for (the reference's "Limitations"). */
const subLimit = 12

/** A post's attachments (developers.facebook.com/docs/graph-api/reference/story-attachment). */
export function createAttachments(media: Media) {
  function photo(one: Photo): Wire {
    const size = media.shownSize(one)
    const url = `${site}/photo.php?fbid=${one.id}&set=a.${one.album.id}&type=3`
    return {
      ...(one.caption !== null && { description: one.caption }),
      media: { image: { height: size.height, src: media.photoAddress(one, size), width: size.width } },
      media_type: 'photo',
      target: { id: one.id, url },
      type: 'photo',
      unshimmed_url: url,
      url,
    }
  }
  function video(one: Video): Wire {
    const url = `${site}/${one.owner.id}/videos/${one.id}/`
    return {
      ...(one.description !== null && { description: one.description }),
      media: { image: { height: 64, src: media.videoThumbnail(one), width: 64 }, source: media.videoAddress(one) },
      media_type: 'video',
      target: { id: one.id, url },
      ...(one.title !== null && { title: one.title }),
      type: 'video_inline',
      unshimmed_url: url,
      url,
    }
  }
  /** Links lead through Facebook, which notes who follows them; `unshimmed_url` is the real one. */
  function link(one: Link): Wire {
    const shim = `https://l.facebook.com/l.php?u=${encodeURIComponent(one.url)}&h=AT0`
    return {
      ...(one.description !== '' && { description: one.description }),
      ...(one.picture && { media: { image: { height: 63, src: media.linkPicture(one), width: 120 } } }),
      media_type: 'link',
      target: { url: shim },
      title: one.title,
      type: 'share',
      unshimmed_url: one.url,
      url: shim,
    }
  }
  function album(post: Post, photos: Photo[]): Wire {
    const url = `${site}/media/set/?set=pcb.${post.id.split('_')[1]}&type=1`
    const first = photo(photos[0]!)
    return {
      media: first.media,
      media_type: 'album',
      subattachments: photos.map(photo),
      target: { id: post.id.split('_')[1], url },
      title: `Photos from ${nameOf(post.author)}'s post`,
      type: 'album',
      unshimmed_url: url,
      url,
    }
  }

  function chosen(whole: Wire, asked: AskedField, post: Post): Wire {
    const picked: Wire = {}
    const wanted = asked.fields ?? defaults.map((name): AskedField => ({ ...asked, name, alias: name, modifiers: new Map(), fields: null }))
    for (const field of wanted) {
      if (!parts.includes(field.name)) throw errors.noField(field.name, 'StoryAttachment')
      const value = whole[field.name]
      if (value === undefined) continue
      if (field.name === 'subattachments') {
        const limit = Number(field.modifiers.get('limit') ?? subLimit)
        const inner = field.fields ? field : { ...field, fields: null }
        picked[field.alias] = { data: (value as Wire[]).slice(0, limit).map((one) => chosen(one, inner, post)) }
      } else if (field.name === 'media') picked[field.alias] = pick('StoryAttachmentMedia', value as Wire, field, mediaParts)
      else if (field.name === 'target') {
        if (post.broken !== 'noAttachmentTarget') picked[field.alias] = pick('StoryAttachmentTarget', value as Wire, field, ['id', 'url'])
      } else picked[field.alias] = field.name === 'type' && post.broken === 'unknownAttachmentType' ? 'hologram' : value
    }
    return picked
  }

  return (post: Post, asked: AskedField): unknown => {
    if (post.broken === 'nullAttachments') return null
    const photos = post.photos.filter((one) => !one.isDeleted)
    const all: Wire[] = []
    if (photos.length > 1) all.push(album(post, photos))
    else if (photos.length === 1) all.push(photo(photos[0]!))
    if (post.video && !post.video.isDeleted) all.push(video(post.video))
    if (post.link) all.push(link(post.link))
    return all.length === 0 ? undefined : { data: all.map((whole) => chosen(whole, asked, post)) }
  }
}
export type Attachments = ReturnType<typeof createAttachments>
