import { createRandom, makePicture } from '../kit/index.ts'
import type { Media } from './media.ts'
import type { Album, Happening, Page, Person, Photo, Post, Tag, Video } from './records.ts'
import type {
  Breakage,
  FacebookOptions,
  NewAlbum,
  NewEvent,
  NewPhoto,
  NewPlace,
  NewPost,
  NewThing,
  NewVideo,
  Standing,
  When,
} from './types.ts'
import { insert, nameOf } from './world.ts'
import type { World } from './world.ts'

const millis = (when: When) => new Date(when).getTime()
const hourMs = 3_600_000

/** What people do on Facebook, for tests and for a person at the control routes. Without an account: the first. Things go by their ids. */
export function createActs(world: World, media: Media, options: FacebookOptions) {
  const { now } = world
  const who = (account?: string): Person => world.personBy(account)
  /** By the name that they were made with. */
  const pages = new Map<string, Page>()
  let files = 0

  function newThing(wanted: NewThing, owner = who(wanted.account)) {
    const late = wanted.late === undefined ? 0 : wanted.late === true ? Infinity : millis(wanted.late)
    const thing = world.thing(owner, wanted.createdAt === undefined ? now() : millis(wanted.createdAt))
    return { ...thing, visibleMs: late, isHidden: wanted.hidden ?? false }
  }
  const fileName = () => {
    const random = createRandom(world.seed, 'facebook-file', files++)
    return `${random.int(100_000_000, 999_999_999)}_${random.int(100_000_000, 999_999_999)}${random.int(1_000_000, 9_999_999)}`
  }

  function makePhoto(wanted: NewPhoto, of: Omit<Photo, 'id' | keyof NewPhoto | 'kind' | 'name' | 'isGone'>): Photo {
    const name = fileName()
    const picture = makePicture(name, options.pictureSize)
    const photo: Photo = {
      ...of,
      kind: 'photo',
      id: world.freeId(),
      name,
      caption: wanted.caption ?? null,
      alt: wanted.alt ?? null,
      width: wanted.width ?? picture.width,
      height: wanted.height ?? picture.height,
      bytes: wanted.bytes ? Buffer.from(wanted.bytes) : null,
      place: wanted.place ? world.placeOf(wanted.place) : null,
      isGone: false,
    }
    insert(world.shelfOf(photo.owner).photos, photo)
    world.register(photo)
    media.register(photo)
    return photo
  }
  function makeVideo(wanted: NewVideo, of: Omit<Video, 'id' | keyof NewVideo | 'kind' | 'name' | 'isGone'>): Video {
    const name = fileName()
    const video: Video = {
      ...of,
      kind: 'video',
      id: world.freeId(),
      name,
      title: wanted.title ?? null,
      description: wanted.description ?? null,
      seconds: wanted.seconds ?? createRandom(name).int(2, 90) / 2,
      bytes: wanted.bytes ? Buffer.from(wanted.bytes) : null,
      place: wanted.place ? world.placeOf(wanted.place) : null,
      isGone: false,
    }
    insert(world.shelfOf(video.owner).videos, video)
    world.register(video)
    media.register(video)
    return video
  }
  function albumBy(id: string): Album {
    const album = world.thingById(id)
    if (album.kind !== 'album') throw new Error(`${id} is no album`)
    return album
  }

  /** Where names are in a text, in code points. */
  function tagsIn(message: string, tags: NonNullable<NewPost['tags']>): Tag[] {
    return tags.map(({ name, type = 'user' }) => {
      const at = message.indexOf(name)
      if (at < 0) throw new Error(`${name} is not in the message`)
      const id = type === 'user' ? world.stranger(name).id : pageOf(name).id
      return { id, name, type, offset: [...message.slice(0, at)].length, length: [...name].length }
    })
  }

  /** The sentence that Facebook puts above a post that does not speak for itself. */
  function storyOf(author: Person, { photos = [], message, place }: NewPost): string | null {
    if (place) return `${nameOf(author)} is at ${place.name}.`
    if (typeof message === 'string' || photos.length === 0) return null
    return photos.length === 1 ? `${nameOf(author)} added a new photo.` : `${nameOf(author)} added ${photos.length} new photos.`
  }

  function write(wanted: NewPost, author: Person = who(wanted.account)): string {
    const owner = who(wanted.account)
    const thing = newThing(wanted)
    const id = `${owner.id}_${world.freeId()}`
    const withPost = { ...thing, postId: id }
    const photos = (wanted.photos ?? []).map((photo) => {
      const album = wanted.album === undefined ? world.albumOf(owner, 'wall', thing.createdMs) : albumBy(wanted.album)
      return makePhoto(photo, { ...withPost, order: world.nextOrder(), album })
    })
    const video = wanted.video ? makeVideo(wanted.video, { ...withPost, order: world.nextOrder() }) : null
    const post: Post = {
      ...thing,
      kind: 'post',
      id,
      author,
      message: wanted.message ?? null,
      story: wanted.story === undefined ? storyOf(author, wanted) : wanted.story,
      photos,
      video,
      link: wanted.link ? { title: wanted.link.url, description: '', picture: false, ...wanted.link } : null,
      place: wanted.place ? world.placeOf(wanted.place) : null,
      tags: tagsIn(wanted.message ?? '', wanted.tags ?? []),
      with: (wanted.with ?? []).map((name) => ({ id: world.stranger(name).id, name })),
      privacy: wanted.privacy ?? 'ALL_FRIENDS',
      reactions: wanted.reactions ?? 0,
      comments: wanted.comments ?? 0,
      shares: wanted.shares ?? 0,
    }
    const shelf = world.shelfOf(owner)
    if (author === owner) insert(shelf.posts, post)
    insert(shelf.feed, post)
    world.register(post)
    return id
  }

  function pageOf(name: string): Page {
    const found = pages.get(name)
    if (found) return found
    const random = createRandom('facebook-page', name)
    const page: Page = {
      kind: 'page',
      id: world.freeId('61'),
      name,
      category: random.pick(['Musician/band', 'Local business', 'Community', 'Book shop', 'Museum', 'Sports team']),
      about: `All about ${name}.`,
      fans: random.int(40, 90_000),
      website: `https://${name.toLowerCase().replace(/[^a-z]+/g, '-')}.example/`,
    }
    pages.set(name, page)
    world.register(page)
    return page
  }

  /** What goes with a thing when it goes. */
  function partsOf(id: string): (Post | Photo | Video | Album | Happening)[] {
    const node = world.thingById(id)
    if (node.kind === 'post') return [node, ...node.photos, ...(node.video ? [node.video] : [])]
    return node.kind === 'album' ? [node, ...world.shelfOf(node.owner).photos.filter((photo) => photo.album === node)] : [node]
  }

  return {
    /** Makes somebody; with a password, they can sign in. Returns their id. */
    createAccount: (wanted: { account: string; name?: string; password?: string }): string => world.addPerson(wanted.account, wanted).id,
    /** Posts. Returns the id, as the functions after it do. */
    post: (post: NewPost = {}): string =>
      write({ ...(post.photos || post.video || post.link || post.place ? {} : { message: 'Hello from a simulated Facebook' }), ...post }),
    /** A post at a place. */
    checkIn: (place: NewPlace, post: NewPost = {}): string => write({ ...post, place }),
    /** Somebody else writes on the person's timeline: in `feed`, not in `posts`. */
    wallPost: (by: string, post: Omit<NewPost, 'photos' | 'video' | 'album'> = {}): string =>
      write({ message: 'Happy birthday!', ...post }, world.stranger(by)),
    addAlbum(wanted: NewAlbum): string {
      const album: Album = {
        ...newThing(wanted),
        kind: 'album',
        id: world.freeId(),
        name: wanted.name,
        description: wanted.description ?? null,
        type: 'normal',
        place: wanted.place ? world.placeOf(wanted.place) : null,
        privacy: wanted.privacy ?? 'ALL_FRIENDS',
      }
      insert(world.shelfOf(album.owner).albums, album)
      world.register(album)
      return album.id
    },
    /** A picture in an album, without a post. Default album: "Timeline photos". */
    addPhoto(wanted: NewThing & NewPhoto & { album?: string } = {}): string {
      const thing = newThing(wanted)
      const album = wanted.album === undefined ? world.albumOf(thing.owner, 'wall', thing.createdMs) : albumBy(wanted.album)
      return makePhoto(wanted, { ...thing, owner: album.owner, album, postId: null }).id
    },
    /** A video without a post. */
    addVideo: (wanted: NewThing & NewVideo = {}): string => makeVideo(wanted, { ...newThing(wanted), postId: null }).id,
    addEvent(wanted: NewEvent = {}): string {
      const thing = newThing(wanted)
      const role = wanted.role ?? 'attending'
      const startMs = wanted.start === undefined ? thing.createdMs + 7 * 24 * hourMs : millis(wanted.start)
      const event: Happening = {
        ...thing,
        kind: 'event',
        id: world.freeId(),
        name: wanted.name ?? 'Summer party',
        description: wanted.description ?? 'Bring something to eat.',
        startMs,
        endMs: wanted.end === undefined ? startMs + 3 * hourMs : wanted.end === null ? null : millis(wanted.end),
        place: wanted.place ? world.placeOf(wanted.place) : null,
        host: role === 'hosting' ? thing.owner : world.stranger('Mira Okafor'),
        role,
        type: wanted.type ?? 'private',
        isOnline: wanted.isOnline ?? false,
        isCanceled: false,
        attending: createRandom('facebook-event', thing.order).int(2, 60),
      }
      insert(world.shelfOf(event.owner).events, event)
      world.register(event)
      return event.id
    },
    /** Changes an event; `isCanceled` takes it out of listings that do not ask for canceled ones. */
    changeEvent(
      id: string,
      change: { name?: string; description?: string; start?: When; isCanceled?: boolean; role?: Happening['role'] },
    ): void {
      const event = world.thingById(id)
      if (event.kind !== 'event') throw new Error(`${id} is no event`)
      const { start, ...rest } = change
      Object.assign(event, rest, start !== undefined && { startMs: millis(start), endMs: null }, { updatedMs: now() })
    },
    /** The person likes a page, made if there is none of that name. Returns the page's id. */
    likePage(name: string, wanted: NewThing = {}): string {
      const page = pageOf(name)
      const { likes } = world.shelfOf(who(wanted.account))
      if (!likes.some((like) => like.page === page && !like.isDeleted)) insert(likes, { ...newThing(wanted), id: page.id, page })
      return page.id
    },
    unlikePage(id: string, account?: string): void {
      for (const like of world.shelfOf(who(account)).likes) if (like.id === id) like.isDeleted = true
    },
    /** A page calls itself something else. */
    renamePage(id: string, name: string): void {
      const page = world.nodes.get(id)
      if (page?.kind !== 'page') throw new Error(`there is no page ${id}`)
      page.name = name
    },
    /** Changes a post's text or place, or the caption of a picture; the id and the time of creation stay. */
    edit(id: string, change: { message?: string | null; caption?: string | null; place?: NewPlace | null; updatedAt?: When }): void {
      const thing = world.thingById(id)
      thing.updatedMs = change.updatedAt === undefined ? Math.max(now(), thing.createdMs) : millis(change.updatedAt)
      if (thing.kind === 'post' && change.message !== undefined) Object.assign(thing, { message: change.message, tags: [] })
      if (thing.kind === 'photo' && change.caption !== undefined) thing.caption = change.caption
      if ('place' in thing && change.place !== undefined) thing.place = change.place === null ? null : world.placeOf(change.place)
    },
    /** Deletes a post with its pictures and video, an album with its pictures, a picture, a video, an event. */
    remove(id: string): void {
      for (const part of partsOf(id)) part.isDeleted = true
    },
    /** From now on it is filtered for privacy (or, with false, no more): pages get shorter, the place in the listing stays. */
    hide(id: string, isHidden = true): void {
      for (const part of partsOf(id)) part.isHidden = isHidden
    },
    /** A thing that was made `late` is there from now on. */
    appear(id: string): void {
      for (const part of partsOf(id)) part.visibleMs = 0
    },
    /** From now on answers have it broken in that way; null: whole again. */
    breakRecord: (id: string, how: Breakage | null): void => void (world.thingById(id).broken = how),
    /** The files of it can be had no longer, though answers still name them (or, with false, again). */
    loseMedia(id: string, isGone = true): void {
      for (const part of partsOf(id)) if (part.kind === 'photo' || part.kind === 'video') part.isGone = isGone
    },
    /** The person takes another name; the id stays. */
    rename(name: string, account?: string): void {
      const [firstName = '', ...rest] = name.split(' ')
      Object.assign(who(account), { firstName, lastName: rest.join(' ') })
    },
    /** In their settings the person declines a permission, or allows it (again). */
    setPermission: (permission: string, status: 'granted' | 'declined', account?: string): void =>
      void who(account).permissions.set(permission, status),
    /** Facebook refuses all tokens of the person until this is lifted by null. */
    setStanding: (standing: Standing | null, account?: string): void => void (who(account).standing = standing),
    /** Where a person stands: their id, and what they sign in with. */
    account(account?: string): { id: string; name: string; email: string | null; password: string | null } {
      const person = who(account)
      return { id: person.id, name: nameOf(person), email: person.email, password: person.password }
    },
  }
}
export type Acts = ReturnType<typeof createActs>
