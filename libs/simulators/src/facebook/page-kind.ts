import type { Media } from './media.ts'
import type { NodeType } from './node-types.ts'
import type { Page, Place, Thing } from './records.ts'
import { createdTime, placeField, site } from './shared-fields.ts'

/** developers.facebook.com/docs/graph-api/reference/page, as far as an app sees a page that is not its own. */
export function pageKind(media: Media): NodeType<Page> {
  const none = () => undefined
  return {
    name: 'Page',
    defaults: ['name'],
    edges: [],
    fields: {
      name: ({ name }) => name,
      category: ({ category }) => category,
      category_list: ({ category, id }) => [{ id: `2${id.slice(-8)}`, name: category }],
      about: ({ about }) => about,
      description: none,
      fan_count: ({ fans }) => fans,
      followers_count: ({ fans }) => fans,
      link: ({ id }) => `${site}/${id}`,
      website: ({ website }) => website,
      username: none,
      location: none,
      is_verified: () => false,
      verification_status: () => 'not_verified',
      cover: none,
      picture: (page) => ({ data: { height: 50, is_silhouette: false, url: media.portrait(page, 50), width: 50 } }),
    },
  }
}

/** That somebody was at a place; its id is that of what says so, without the part that names the person. */
export type PlaceTag = Thing & { place: Place; postId: string | null }
/** developers.facebook.com/docs/graph-api/reference/place-tag */
export const placeTagKind: NodeType<PlaceTag> = {
  name: 'PlaceTag',
  defaults: ['created_time', 'place'],
  edges: [],
  fields: { created_time: createdTime, place: placeField },
}
