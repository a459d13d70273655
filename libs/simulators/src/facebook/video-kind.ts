import type { Media } from './media.ts'
import type { NodeType } from './node-types.ts'
import type { Video } from './records.ts'
import { counted, createdTime, from, placeField, privacyField, updatedTime } from './shared-fields.ts'

/** developers.facebook.com/docs/graph-api/reference/video */
export function videoKind(media: Media): NodeType<Video> {
  const none = () => undefined
  return {
    name: 'Video',
    defaults: ['description', 'updated_time'],
    edges: [],
    fields: {
      created_time: createdTime,
      updated_time: updatedTime,
      title: ({ title }) => title ?? undefined,
      description: ({ description }) => description ?? undefined,
      source: (video) => (video.broken === 'noSource' ? undefined : media.videoAddress(video)),
      length: ({ seconds }) => seconds,
      // Of videos it is a path.
      permalink_url: ({ owner, id }) => `/${owner.id}/videos/${id}/`,
      picture: (video) => media.videoThumbnail(video),
      format: (video) => [
        { embed_html: '<iframe></iframe>', filter: 'native', height: 64, picture: media.videoThumbnail(video), width: 64 },
      ],
      thumbnails: (video) => ({ data: [{ height: 64, is_preferred: true, scale: 1, uri: media.videoThumbnail(video), width: 64 }] }),
      from: ({ owner }, asked) => from(owner, asked),
      place: placeField,
      post_id: ({ postId }) => postId?.split('_')[1],
      privacy: (_, asked) => privacyField('EVERYONE', asked),
      status: () => ({ video_status: 'ready' }),
      published: () => true,
      embeddable: () => true,
      is_crosspost_video: () => false,
      live_status: none,
      event: none,
      backdated_time: none,
      icon: none,
      likes: (_, asked) => counted(0, asked, { can_like: true, has_liked: false }),
      comments: (_, asked) => counted(0, asked, { order: 'chronological', can_comment: true }),
    },
  }
}
