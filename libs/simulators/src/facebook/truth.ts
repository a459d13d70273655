import { rsvpOf } from './event-kind.ts'
import type { Edges } from './edges.ts'
import type { Media } from './media.ts'
import { addressOf } from './post-kind.ts'
import type { Person, Photo, Place, Post, Thing, Video } from './records.ts'
import { site } from './shared-fields.ts'
import type { FacebookAccountTruth, TruePhoto, TruePlace, TruePost, TrueVideo } from './types.ts'
import { nameOf } from './world.ts'
import type { World } from './world.ts'

const iso = (ms: number) => new Date(ms).toISOString()

/** What there is to copy, computed from the world and not through the API. */
export function createTruth(world: World, media: Media, edges: Edges) {
  const shown = <T extends Thing>(list: readonly T[]): T[] => world.listed(list).filter(world.isShown)

  function truePlace(place: Place): TruePlace
  function truePlace(place: Place | null): TruePlace | null
  function truePlace(place: Place | null): TruePlace | null {
    return (
      place && {
        id: place.id,
        name: place.name,
        city: place.city,
        country: place.country,
        latitude: place.latitude,
        longitude: place.longitude,
      }
    )
  }
  const photo = (one: Photo): TruePhoto => ({
    id: one.id,
    createdAt: iso(one.createdMs),
    caption: one.caption,
    alt: one.alt,
    album: { id: one.album.id, name: one.album.name },
    width: one.width,
    height: one.height,
    place: truePlace(one.place),
    post: one.postId,
    ...media.truthOf(one),
  })
  const video = (one: Video): TrueVideo => ({
    id: one.id,
    createdAt: iso(one.createdMs),
    title: one.title,
    description: one.description,
    seconds: one.seconds,
    place: truePlace(one.place),
    post: one.postId,
    ...media.truthOf(one),
  })
  const post = (one: Post): TruePost => ({
    id: one.id,
    from: { id: one.author.id, name: nameOf(one.author) },
    createdAt: iso(one.createdMs),
    updatedAt: iso(one.updatedMs),
    message: one.message,
    story: one.story,
    url: addressOf(one),
    privacy: one.privacy,
    place: truePlace(one.place),
    with: one.with.map(({ name }) => name),
    tags: one.tags.map(({ name }) => name),
    link: one.link?.url ?? null,
    photos: one.photos.filter(world.isShown).map(photo),
    videos: one.video && world.isShown(one.video) ? [video(one.video)] : [],
    reactions: one.reactions,
    comments: one.comments,
    shares: one.shares,
  })

  return (person: Person): FacebookAccountTruth => {
    const shelf = world.shelfOf(person)
    return {
      id: person.id,
      name: nameOf(person),
      email: person.email,
      posts: shown(shelf.posts).map(post),
      wall: shown(shelf.feed)
        .filter(({ author }) => author !== person)
        .map(post),
      photos: shown(shelf.photos).map(photo),
      videos: shown(shelf.videos).map(video),
      albums: shown(shelf.albums).map(({ id, name, createdMs, description }) => ({
        id,
        name,
        createdAt: iso(createdMs),
        description,
        photos: shown(shelf.photos)
          .filter(({ album }) => album.id === id)
          .map((one) => one.id),
      })),
      likes: shown(shelf.likes).map(({ page, createdMs }) => ({
        id: page.id,
        name: page.name,
        url: `${site}/${page.id}`,
        likedAt: iso(createdMs),
      })),
      events: shown(shelf.events)
        .sort((a, b) => b.startMs - a.startMs || b.order - a.order)
        .map((event) => ({
          id: event.id,
          name: event.name,
          description: event.description,
          start: iso(event.startMs),
          end: event.endMs === null ? null : iso(event.endMs),
          place: truePlace(event.place),
          host: nameOf(event.host),
          rsvp: rsvpOf(event),
          isCanceled: event.isCanceled,
        })),
      checkIns: edges
        .placeTags(person)
        .filter(world.isShown)
        .map(({ id, createdMs, place, postId }) => ({ id, createdAt: iso(createdMs), place: truePlace(place), post: postId })),
      permissions: Object.fromEntries(person.permissions),
    }
  }
}
