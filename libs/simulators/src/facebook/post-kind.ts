import { createAttachments } from './attachments.ts'
import type { Media } from './media.ts'
import type { NodeType } from './node-types.ts'
import type { Photo, Post } from './records.ts'
import { counted, createdTime, from, placeField, privacyField, site, updatedTime } from './shared-fields.ts'
import { nameOf } from './world.ts'

/** developers.facebook.com/docs/graph-api/reference/post */
export function postKind(media: Media): NodeType<Post> {
  const attachments = createAttachments(media)
  const none = () => undefined
  const firstPhoto = ({ photos }: Post): Photo | undefined => photos.find((photo) => !photo.isDeleted)

  return {
    name: 'Post',
    defaults: ['created_time', 'message', 'story'],
    edges: [],
    fields: {
      created_time: createdTime,
      updated_time: updatedTime,
      message: ({ message, broken }) => (broken === 'nullMessage' ? null : broken === 'numberMessage' ? 42 : (message ?? undefined)),
      story: ({ story }) => story ?? undefined,
      message_tags: ({ tags }) => (tags.length > 0 ? tags : undefined),
      story_tags: none,
      with_tags: (post) => (post.with.length > 0 ? { data: post.with } : undefined),
      permalink_url: addressOf,
      from: ({ author }, asked) => from(author, asked),
      to: ({ owner, author }) => (owner === author ? undefined : { data: [{ name: nameOf(owner), id: owner.id }] }),
      place: placeField,
      privacy: ({ privacy }, asked) => privacyField(privacy, asked),
      status_type: statusType,
      attachments: (post, asked) => attachments(post, asked),
      full_picture: (post) => {
        const photo = firstPhoto(post)
        if (photo) return media.photoAddress(photo, media.shownSize(photo))
        if (post.video && !post.video.isDeleted) return media.videoThumbnail(post.video)
        return post.link?.picture ? media.linkPicture(post.link) : undefined
      },
      picture: (post) => {
        const photo = firstPhoto(post)
        return photo && media.thumbnail(photo)
      },
      shares: ({ shares }) => (shares > 0 ? { count: shares } : undefined),
      reactions: ({ reactions }, asked) => counted(reactions, asked, { viewer_reaction: 'NONE' }),
      likes: ({ reactions }, asked) => counted(reactions, asked, { can_like: true, has_liked: false }),
      comments: ({ comments }, asked) => counted(comments, asked, { order: 'chronological', can_comment: true }),
      application: none,
      backdated_time: none,
      event: none,
      icon: none,
      is_expired: () => false,
      is_hidden: () => false,
      is_published: () => true,
      parent_id: none,
      properties: none,
      via: none,
    },
  }
}

export const addressOf = ({ id, author }: Post): string => `${site}/${author.id}/posts/${id.split('_')[1]}`

function statusType({ author, owner, video, photos, link }: Post): string {
  if (author !== owner) return 'wall_post'
  if (video) return 'added_video'
  if (photos.length > 0) return 'added_photos'
  return link ? 'shared_story' : 'mobile_status_update'
}
