import type { Media } from './media.ts'
import { select } from './node-types.ts'
import type { NodeType } from './node-types.ts'
import type { Album, Photo } from './records.ts'
import { counted, createdTime, from, placeField, site, updatedTime } from './shared-fields.ts'
import type { World } from './world.ts'

/** developers.facebook.com/docs/graph-api/reference/photo and …/album */
export function albumKinds(world: World, media: Media): { photo: NodeType<Photo>; album: NodeType<Album> } {
  const none = () => undefined
  const photosOf = (album: Album): Photo[] =>
    world.shelfOf(album.owner).photos.filter((photo) => photo.album === album && world.isShown(photo))

  const photo: NodeType<Photo> = {
    name: 'Photo',
    defaults: ['created_time', 'name'],
    edges: [],
    fields: {
      created_time: createdTime,
      updated_time: updatedTime,
      name: ({ caption }) => caption ?? undefined,
      // Facebook's own guess where the person wrote none.
      alt_text: ({ alt }) => alt ?? 'May be an image of outdoors',
      alt_text_custom: ({ alt }) => alt ?? undefined,
      album: (one, asked, view) => select(album, one.album, asked.fields, view),
      images: (one) => {
        if (one.broken === 'noImages') return undefined
        if (one.broken === 'emptyImages') return []
        return media.sizesOf(one).map((size) => ({ height: size.height, source: media.photoAddress(one, size), width: size.width }))
      },
      webp_images: none,
      picture: (one) => media.thumbnail(one),
      width: ({ width }) => width,
      height: ({ height }) => height,
      link: ({ id, album: { id: albumId } }) => `${site}/photo.php?fbid=${id}&set=a.${albumId}&type=3`,
      from: ({ owner }, asked) => from(owner, asked),
      place: placeField,
      page_story_id: ({ postId }) => postId ?? undefined,
      name_tags: none,
      event: none,
      backdated_time: none,
      icon: none,
      can_delete: () => false,
      can_tag: () => false,
      reactions: (_, asked) => counted(0, asked, { viewer_reaction: 'NONE' }),
      likes: (_, asked) => counted(0, asked, { can_like: true, has_liked: false }),
      comments: (_, asked) => counted(0, asked, { order: 'chronological', can_comment: true }),
    },
  }

  const album: NodeType<Album> = {
    name: 'Album',
    defaults: ['created_time', 'name'],
    edges: ['photos'],
    fields: {
      created_time: createdTime,
      updated_time: updatedTime,
      name: ({ name }) => name,
      description: ({ description }) => description ?? undefined,
      type: ({ type }) => type,
      count: (one) => photosOf(one).length,
      photo_count: (one) => photosOf(one).length,
      video_count: () => 0,
      cover_photo: (one) => {
        const first = photosOf(one)[0]
        return first && { created_time: createdTime(first), id: first.id }
      },
      link: ({ id }) => `${site}/media/set/?set=a.${id}&type=3`,
      location: ({ place }) => place?.name,
      place: placeField,
      // Of albums it is a word, not an object.
      privacy: ({ privacy }) => privacy.toLowerCase().replaceAll('_', '-'),
      from: ({ owner }, asked) => from(owner, asked),
      can_upload: () => false,
      event: none,
      backdated_time: none,
      picture: (one) => {
        const first = photosOf(one)[0]
        return first && { data: { is_silhouette: false, url: media.thumbnail(first) } }
      },
    },
  }
  return { photo, album }
}
