import { AshevilleError, newestFirst, type ContentType, type Item, type Network, type PullIo, type Stream } from '@asheville/core'
import { getGranted, getProfile, has, hasLike, list, type Edge } from './api.ts'
import { idIn } from './addresses.ts'
import {
  eventFields,
  eventItem,
  idOf,
  isAtOrBelow,
  likeFields,
  likeItem,
  markOf,
  photoFields,
  photoItem,
  postFields,
  postItem,
  videoFields,
  videoItem,
} from './items.ts'
import { login } from './login.ts'
import { locateMedia, sharingFiles } from './media.ts'
import { withinLimits } from './usage.ts'
import { webhook } from './webhook.ts'

/** https://developers.facebook.com/docs/graph-api; what the API cannot do, and what the operator has to do at Facebook: README.md. */
export const facebook: Network = {
  id: 'facebook',
  title: 'Facebook',
  description:
    'Your posts with their pictures and videos, check-ins, the photos and videos that you uploaded, pages that you like, and events.',
  website: 'https://www.facebook.com',
  variables: [
    { name: 'FACEBOOK_CLIENT_ID', description: 'The id of your app at https://developers.facebook.com/apps', default: '' },
    { name: 'FACEBOOK_CLIENT_SECRET', description: 'The secret of that app', default: '' },
    {
      name: 'FACEBOOK_SCOPES',
      description: 'What people are asked to allow: what Facebook lets your app ask for. user_events is for its Marketing Partners only',
      default: 'user_posts user_photos user_videos user_likes',
    },
    {
      name: 'FACEBOOK_VERIFY_TOKEN',
      description:
        'The verify token of the app’s webhook at <WEB_URL>/hooks/facebook, any word of yours; without it Facebook does not tell what is new',
      default: '',
    },
    { name: 'FACEBOOK_API_URL', description: 'Where Facebook’s Graph API is', default: 'https://graph.facebook.com' },
    { name: 'FACEBOOK_WEB_URL', description: 'Where people allow us in', default: 'https://www.facebook.com' },
  ],
  // 200 times its users in an hour for the whole app: https://developers.facebook.com/docs/graph-api/overview/rate-limiting
  budgets: [{ per: 'connection', requests: 200, windowMs: 3600_000 }],
  logins: [login],
  // Photos first: their listing has the largest files, which posts then need not ask about.
  streams: [
    dated('photos', ['photos'], 'user_photos', { path: 'photos', query: { type: 'uploaded', fields: photoFields } }, photoItem),
    dated('videos', ['videos'], 'user_videos', { path: 'videos', query: { type: 'uploaded', fields: videoFields } }, videoItem),
    dated('posts', ['posts', 'check-ins'], 'user_posts', { path: 'posts', query: { fields: postFields } }, postItem),
    {
      ...dated('likes', ['likes'], 'user_likes', { path: 'likes', query: { fields: likeFields } }, likeItem, hasLike),
      reach: 'Facebook tells which pages you like, not which posts.',
    },
    events(),
  ],

  async account(io) {
    const [{ id, name }, granted] = [await getProfile(io), await getGranted(io)]
    const wanted = facebook.streams.flatMap(({ scopes = [] }) => scopes)
    return { id, handle: name, title: name, url: null, declined: wanted.filter((scope) => !granted.has(scope)) }
  },

  locateMedia,
  webhook,
}

/** A listing from new to old, by when it was posted, uploaded or liked. */
function dated(
  name: string,
  contentTypes: ContentType[],
  scope: string,
  edge: Edge,
  item: (record: unknown, io: PullIo) => Item,
  isThere: (io: PullIo, id: string) => Promise<boolean> = has,
): Stream {
  const gone = confirmGone(scope, isThere)
  const walks = newestFirst({
    async list({ before, after }, io) {
      const { records, older, isShort } = await list(io, edge, before)
      const end = after === null ? -1 : records.findIndex((record) => isAtOrBelow(record, after))
      return end === -1 ? { records, older, isShort } : { records: records.slice(0, end), older: null }
    },
    item,
    idOf,
    mark: markOf,
    isDated: true,
    gone,
  })
  return { name, version: 1, contentTypes, scopes: [scope], ...sharingFiles(withinLimits(walks)), gone }
}

/** Events come in an order of their own, and a new one may be anywhere among them: each sync reads them all, and delivers what changed. */
function events(): Stream {
  const edge = { path: 'events', query: { fields: eventFields, include_canceled: 'true' } }
  const gone = confirmGone('user_events', has)
  const walks = newestFirst({
    async list({ before }, io) {
      const { records, older } = await list(io, edge, before)
      return { records, older }
    },
    item: eventItem,
    idOf,
    gone,
  })
  return {
    name: 'events',
    version: 1,
    contentTypes: ['events'],
    scopes: ['user_events'],
    reach: 'Facebook lets only apps of its Marketing Partners read events.',
    ...withinLimits(walks),
    gone,
  }
}

/**
 * Which of these Facebook says are gone. Where the permission was taken back it lists nothing, and says of each thing what it says of one that is
 * gone; so that comes first.
 */
function confirmGone(scope: string, isThere: (io: PullIo, id: string) => Promise<boolean>) {
  return async (ids: readonly string[], io: PullIo): Promise<string[]> => {
    if (!(await getGranted(io)).has(scope))
      throw new AshevilleError('reconnect-required', 'What you allowed at Facebook was taken back or is over. Connect it again')
    const gone: string[] = []
    for (const id of ids) if (!(await isThere(io, idIn(id)))) gone.push(id)
    return gone
  }
}
