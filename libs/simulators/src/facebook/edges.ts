import type { AskedField } from './asked-fields.ts'
import { errors } from './errors.ts'
import { rsvpOf } from './event-kind.ts'
import type { NodeKinds } from './node-kinds.ts'
import { select } from './node-types.ts'
import type { View, Wire } from './node-types.ts'
import type { PlaceTag } from './page-kind.ts'
import { limitOf, timePage } from './paging.ts'
import type { Cursors, ListPage } from './paging.ts'
import type { Album, Happening, Like, Person, Post, Thing } from './records.ts'
import { createdTime } from './shared-fields.ts'
import type { World } from './world.ts'

export type Owner = Person | Album
export type EdgeRequest = {
  parameters: URLSearchParams
  asked: AskedField[] | null
  view: View
  /** Makes the address of another page of this listing. */
  address(position: Record<string, string>): string
}
export type Edge = { permission: string; answer(owner: Owner, request: EdgeRequest): Wire }
type Listing<T> = {
  permission: string
  paging: 'time' | 'cursor'
  /** Everything that has a place in it, in its order. */
  list(owner: Owner, parameters: URLSearchParams): T[]
  item(one: T, asked: AskedField[] | null, view: View): Wire
}

/** The listings of a person and of an album (the reference's edges). */
export function createEdges(world: World, kinds: NodeKinds, cursors: Cursors, heaviestPage: number) {
  function edge<T extends Thing>({ permission, paging, list, item }: Listing<T>): Edge {
    return {
      permission,
      answer(owner, { parameters, asked, view, address }) {
        if (limitOf(parameters) > heaviestPage) throw errors.tooMuch()
        const all = list(owner, parameters)
        const page: ListPage<T> = paging === 'time' ? timePage(all, parameters) : cursors.page(all, parameters)
        const data = page.items.filter(world.isShown).map((one) => item(one, asked, view))
        const around = {
          ...(page.cursors && { cursors: page.cursors }),
          ...(page.previous && { previous: address(page.previous) }),
          ...(page.next && { next: address(page.next) }),
        }
        return { data, ...(Object.keys(around).length > 0 && { paging: around }) }
      },
    }
  }
  const shelf = (owner: Owner) => world.shelfOf('owner' in owner ? owner.owner : owner)

  /** What listings of moments say of a thing, whatever was asked for. */
  const withTime = <T extends Thing>(one: T, asked: AskedField[] | null, rest: (asked: AskedField[] | null) => Wire): Wire => {
    const time = createdTime(one)
    const wire = rest(asked?.filter(({ name }) => name !== 'created_time') ?? null)
    return { ...(time !== undefined && { created_time: time }), ...wire }
  }

  /** Where the person was: posts at a place, and pictures and videos that say one of their own. */
  function placeTags(owner: Owner): PlaceTag[] {
    const { posts, photos, videos } = shelf(owner)
    const tags: PlaceTag[] = []
    for (const one of [...world.listed(posts), ...world.listed(photos), ...world.listed(videos)])
      if (one.place !== null)
        tags.push({ ...one, id: one.id.split('_').at(-1)!, place: one.place, postId: one.kind === 'post' ? one.id : one.postId })
    return tags.sort((a, b) => b.createdMs - a.createdMs || b.order - a.order)
  }

  const posts = (listed: (owner: Owner) => Post[]) =>
    edge({
      permission: 'user_posts',
      paging: 'time',
      list: (owner) => world.listed(listed(owner)),
      item: (one, asked, view) => select(kinds.post, one, asked, view),
    })
  const edges: Record<string, Edge> = {
    posts: posts((owner) => shelf(owner).posts),
    feed: posts((owner) => shelf(owner).feed),
    photos: edge({
      permission: 'user_photos',
      paging: 'cursor',
      list(owner, parameters) {
        const photos = world.listed(shelf(owner).photos)
        if ('owner' in owner) return photos.filter((one) => one.album === owner)
        const type = typeOf(parameters, ['tagged', 'uploaded', 'profile'])
        // Nobody is tagged here.
        return type === 'uploaded' ? photos : type === 'profile' ? photos.filter((one) => one.album.type === 'profile') : []
      },
      item: (one, asked, view) => withTime(one, asked, (rest) => select(kinds.photo, one, rest, view)),
    }),
    videos: edge({
      permission: 'user_videos',
      paging: 'cursor',
      list: (owner, parameters) => (typeOf(parameters, ['tagged', 'uploaded']) === 'uploaded' ? world.listed(shelf(owner).videos) : []),
      item: (one, asked, view) => select(kinds.video, one, asked, view),
    }),
    albums: edge({
      permission: 'user_photos',
      paging: 'cursor',
      list: (owner) => world.listed(shelf(owner).albums),
      item: (one, asked, view) => select(kinds.album, one, asked, view),
    }),
    likes: edge<Like>({
      permission: 'user_likes',
      paging: 'cursor',
      // `target_id`: whether the person likes this one.
      list(owner, parameters) {
        const target = parameters.get('target_id')
        return world.listed(shelf(owner).likes).filter(({ id }) => target === null || id === target)
      },
      item: (one, asked, view) => withTime(one, asked, (rest) => select(kinds.page, one.page, rest, view)),
    }),
    events: edge({
      permission: 'user_events',
      paging: 'cursor',
      list: (owner, parameters) => eventsOf(world.listed(shelf(owner).events), parameters),
      item: (one, asked, view) => ({ ...select(kinds.event, one, asked, view), rsvp_status: rsvpOf(one) }),
    }),
    tagged_places: edge({
      permission: 'user_tagged_places',
      paging: 'cursor',
      list: placeTags,
      item: (one, asked, view) => withTime(one, asked, (rest) => select(kinds.placeTag, one, rest, view)),
    }),
  }
  return { edges, placeTags }
}
export type Edges = ReturnType<typeof createEdges>

/** The first of the types is what is listed when none is asked for. */
function typeOf(parameters: URLSearchParams, types: readonly string[]): string {
  const type = parameters.get('type')?.toLowerCase() ?? types[0]!
  if (!types.includes(type)) throw errors.badParameter(`Param type must be one of {${types.join(', ').toUpperCase()}}`)
  return type
}

/** By their start, the last first. Those that were declined or not answered, or called off, only when asked for. */
function eventsOf(all: Happening[], parameters: URLSearchParams): Happening[] {
  const roles: Record<string, Happening['role'][]> = {
    all: ['attending', 'hosting', 'unsure'],
    attending: ['attending', 'hosting'],
    created: ['hosting'],
    declined: ['declined'],
    maybe: ['unsure'],
    not_replied: ['not_replied'],
  }
  const wanted = roles[typeOf(parameters, Object.keys(roles))]!
  const withCanceled = parameters.get('include_canceled') === 'true'
  return all
    .filter((one) => wanted.includes(one.role) && (withCanceled || !one.isCanceled))
    .sort((a, b) => b.startMs - a.startMs || b.order - a.order)
}
