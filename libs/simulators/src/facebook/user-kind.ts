import type { Media } from './media.ts'
import { pick } from './node-types.ts'
import type { NodeType } from './node-types.ts'
import type { Person } from './records.ts'
import { profile, site } from './shared-fields.ts'
import { nameOf } from './world.ts'

/** developers.facebook.com/docs/graph-api/reference/user: fields whose permission is missing are left out. */
export function userKind(media: Media): NodeType<Person> {
  const home = ({ id, hometown }: Person, step: bigint) => ({ id: String(BigInt(id) + step), name: hometown })
  return {
    name: 'User',
    defaults: ['name'],
    edges: ['posts', 'feed', 'photos', 'videos', 'albums', 'likes', 'events', 'tagged_places'],
    fields: {
      name: nameOf,
      first_name: ({ firstName }) => firstName,
      last_name: ({ lastName }) => lastName || undefined,
      middle_name: () => undefined,
      short_name: ({ firstName }) => firstName,
      name_format: () => '{first} {last}',
      email: ({ email }, _, view) => (view.may('email') && email !== null ? email : undefined),
      link: ({ id }, _, view) => (view.may('user_link') ? `${site}/app_scoped_user_id/${id}/` : undefined),
      birthday: ({ birthday }, _, view) => (view.may('user_birthday') ? birthday : undefined),
      hometown: (person, asked, view) => (view.may('user_hometown') ? profile(home(person, 1n), asked) : undefined),
      location: (person, asked, view) => (view.may('user_location') ? profile(home(person, 2n), asked) : undefined),
      picture: (person, asked) => {
        const side = Math.min(720, Number(asked.modifiers.get('width') ?? asked.modifiers.get('height')) || 50)
        const data = { height: side, is_silhouette: false, url: media.portrait(person, side), width: side }
        return { data: pick('ProfilePictureSource', data, asked, [...Object.keys(data), 'cache_key']) }
      },
      permissions: (person) => ({ data: permissionList(person) }),
    },
  }
}

export const permissionList = ({ permissions }: Person): { permission: string; status: string }[] =>
  [...permissions].map(([permission, status]) => ({ permission, status }))
