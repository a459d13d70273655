import type { FacebookAccountTruth, TrueEvent, TrueLike, TruePhoto, TruePost, TrueVideo } from '@asheville/simulators'
import type { ExpectedAccount, ExpectedItem } from './expected.ts'
import { wordsOf } from './words-of.ts'

/**
 * What an account of a simulated Facebook should have brought, as far as the person allows it. A post with a place is a check-in; events are undated,
 * and those that were declined or not answered are not listed (libs/networks/src/facebook/README.md).
 */
export function expectFacebook(account: FacebookAccountTruth): ExpectedAccount {
  const actor = addressOf(account.id)
  const allowed = (permission: string, items: ExpectedItem[]) => (account.permissions[permission] === 'granted' ? items : [])
  const events = account.events.filter(({ rsvp }) => rsvp === 'attending' || rsvp === 'unsure')
  return {
    network: 'facebook',
    items: [
      ...allowed('user_posts', account.posts.map(postItem(actor))),
      ...allowed('user_photos', account.photos.map(photoItem(actor))),
      ...allowed('user_videos', account.videos.map(videoItem(actor))),
      ...allowed('user_likes', account.likes.map(likeItem(actor))),
      ...allowed('user_events', events.map(eventItem)),
    ],
  }
}

const postItem =
  (actor: string) =>
  (post: TruePost): ExpectedItem => {
    const { id, createdAt, message, story, url, place, photos, videos, link, privacy } = post
    const says = {
      ...(place ? { type: 'Arrive', actor } : { type: 'Note', attributedTo: actor }),
      ...{ published: createdAt, updated: undefined, url, 'asheville:raw.id': id },
      'source.content': message ?? undefined,
      content: saysWords(message ?? story ?? ''),
      'asheville:visibility': visibilities[privacy],
      'location.name': place?.name,
      'location.latitude': place?.latitude,
      attachment: (attached: unknown) =>
        isSame([...[...photos, ...videos].map((file) => addressOf(file.id)), ...(link === null ? [] : [link])], urlsOf(attached)),
    }
    return { id: addressOf(id), contentType: place ? 'check-ins' : 'posts', at: createdAt, says, media: [...photos, ...videos] }
  }

const photoItem =
  (actor: string) =>
  (photo: TruePhoto): ExpectedItem => {
    const { id, createdAt, caption, width, height, album } = photo
    const says = {
      ...{
        type: 'Image',
        attributedTo: actor,
        published: createdAt,
        content: saysWords(caption ?? ''),
        'asheville:album.name': album.name,
      },
      ...{ 'attachment.0.width': width, 'attachment.0.height': height },
    }
    return { id: addressOf(id), contentType: 'photos', at: createdAt, says, media: [photo] }
  }

const videoItem =
  (actor: string) =>
  (video: TrueVideo): ExpectedItem => {
    const { id, createdAt, title, description, seconds } = video
    const says = {
      ...{ type: 'Video', attributedTo: actor, published: createdAt, name: title ?? undefined },
      ...{ content: saysWords(description ?? ''), duration: `PT${seconds}S` },
    }
    return { id: addressOf(id), contentType: 'videos', at: createdAt, says, media: [video] }
  }

const likeItem =
  (actor: string) =>
  ({ id, name, url, likedAt }: TrueLike): ExpectedItem => {
    const says = { type: 'Like', actor, published: likedAt, 'object.id': addressOf(id), 'object.name': name, 'object.url': url }
    return { id: `${actor}#likes/${id}`, contentType: 'likes', at: likedAt, says, media: [] }
  }

const eventItem = ({ id, name, description, start, end, place, rsvp, isCanceled }: TrueEvent): ExpectedItem => {
  const says = {
    ...{ type: 'Event', name, startTime: start, endTime: end ?? undefined, content: saysWords(description), 'location.name': place?.name },
    ...{ 'asheville:rsvp': rsvp, 'asheville:isCanceled': isCanceled || undefined },
  }
  return { id: addressOf(id), contentType: 'events', at: null, says, media: [] }
}

const addressOf = (id: string) => `https://www.facebook.com/${id}`
const visibilities = {
  EVERYONE: 'public',
  ALL_FRIENDS: 'friends',
  FRIENDS_OF_FRIENDS: 'friends-of-friends',
  SELF: 'private',
  CUSTOM: 'custom',
}

const saysWords = (text: string) => (html: unknown) =>
  text === '' ? html === undefined : typeof html === 'string' && wordsOf(html) === text.replace(/\s+/g, '')
const urlsOf = (attached: unknown) => (Array.isArray(attached) ? (attached as { url?: unknown }[]).map(({ url }) => url) : [])
const isSame = (one: readonly unknown[], other: readonly unknown[]) => JSON.stringify(one) === JSON.stringify(other)
