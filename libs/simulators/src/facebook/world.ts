import { createRandom } from '../kit/index.ts'
import type { Album, Node, Page, Person, Place, Shelf, Thing } from './records.ts'
import type { FacebookOptions, NewPlace } from './types.ts'

const familyNames = ['Archer', 'Brandt', 'Okafor', 'Żółw', 'Ibáñez', 'Lindqvist', 'Moreau', 'Tanaka']

/** The state of a simulated Facebook: who there is and what they put there. It changes through the functions of `acts`. */
export function createWorld(options: FacebookOptions, now: () => number) {
  const seed = options.seed ?? 1
  const random = createRandom(seed, 'facebook-ids')
  const people: Person[] = []
  const byKey = new Map<string, Person>()
  const shelves = new Map<Person, Shelf>()
  const nodes = new Map<string, Node>()
  const places = new Map<string, Place>()
  const used = new Set<string>()
  let lastOrder = 0

  /** Sixteen digits or so, in no order. */
  function freeId(prefix = '10'): string {
    for (;;) {
      const id = `${prefix}${random.int(1_000_000, 9_999_999)}${random.int(1_000_000, 9_999_999)}`
      if (used.has(id)) continue
      used.add(id)
      return id
    }
  }

  function addPerson(key: string, more: { name?: string; password?: string } = {}): Person {
    if (byKey.has(key)) throw new Error(`${key} is there already`)
    const familyName = familyNames[people.length % familyNames.length]!
    const [firstName = '', ...rest] = (more.name ?? `${key[0]!.toUpperCase()}${key.slice(1)} ${familyName}`).split(' ')
    const person: Person = {
      id: freeId('10'),
      key,
      firstName,
      lastName: rest.join(' '),
      email: more.password === undefined ? null : `${key.toLowerCase()}@mail.example`,
      password: more.password ?? null,
      birthday: '04/01/1985',
      hometown: 'Asheville, North Carolina',
      permissions: new Map(),
      standing: null,
    }
    people.push(person)
    byKey.set(key, person)
    shelves.set(person, { posts: [], feed: [], photos: [], videos: [], albums: [], likes: [], events: [] })
    return person
  }

  function personBy(key?: string): Person {
    const found = key === undefined ? people[0] : byKey.get(key)
    if (!found) throw new Error(`no account ${key}`)
    return found
  }

  /** Somebody who is only there to be seen. */
  function stranger(name: string): Person {
    return byKey.get(name) ?? addPerson(name, { name })
  }

  /** The same place for the same name and coordinates. */
  function placeOf(wanted: NewPlace): Place {
    const { name, latitude, longitude, street = '', city = '', country = '', zip = '' } = wanted
    const key = `${name} ${latitude} ${longitude}`
    const found = places.get(key) ?? { id: freeId('11'), name, street, city, country, zip, latitude, longitude }
    places.set(key, found)
    return found
  }

  const shelfOf = (person: Person): Shelf => shelves.get(person)!
  const register = (node: Node) => void nodes.set(node.id, node)

  /** The album of that type that everybody has; made when it is first needed. */
  function albumOf(person: Person, type: 'wall' | 'profile', createdMs: number): Album {
    const { albums } = shelfOf(person)
    const found = albums.find((album) => album.type === type && !album.isDeleted)
    if (found) {
      // It is as old as the first thing in it.
      if (createdMs < found.createdMs) {
        albums.splice(albums.indexOf(found), 1)
        found.createdMs = createdMs
        insert(albums, found)
      }
      return found
    }
    const album: Album = {
      ...thing(person, createdMs),
      kind: 'album',
      id: freeId(),
      name: type === 'wall' ? 'Timeline photos' : 'Profile pictures',
      description: null,
      type,
      place: null,
      privacy: 'EVERYONE',
    }
    insert(albums, album)
    register(album)
    return album
  }

  function thing(owner: Person, createdMs: number): Omit<Thing, 'id'> {
    const state = { visibleMs: 0, isDeleted: false, isHidden: false, broken: null }
    return { owner, createdMs, updatedMs: createdMs, order: ++lastOrder, ...state }
  }

  /** Whether it is there at all: it has a place in listings. */
  const isThere = (one: Thing): boolean => !one.isDeleted && one.visibleMs <= now()
  const isShown = (one: Thing): boolean => isThere(one) && !one.isHidden

  return {
    seed,
    now,
    people,
    nodes,
    addPerson,
    personBy,
    stranger,
    placeOf,
    shelfOf,
    albumOf,
    register,
    thing,
    freeId,
    nextOrder: () => ++lastOrder,
    isThere,
    isShown,
    /** What is there, newest first. */
    listed: <T extends Thing>(list: readonly T[]): T[] => {
      const found: T[] = []
      for (let i = list.length - 1; i >= 0; i--) if (isThere(list[i]!)) found.push(list[i]!)
      return found
    },
    thingById(id: string): Exclude<Node, Page> {
      const node = nodes.get(id)
      if (!node || node.kind === 'page') throw new Error(`there is no ${id}`)
      return node
    },
  }
}
export type World = ReturnType<typeof createWorld>

export const nameOf = (person: Person): string => `${person.firstName} ${person.lastName}`.trim()

/** Puts a thing in its place in a list sorted by time. */
export function insert<T extends Thing>(list: T[], one: T): void {
  let at = list.length
  while (at > 0 && isLater(list[at - 1]!, one)) at--
  list.splice(at, 0, one)
}

/** Whether `a` comes after `b` in time. */
export function isLater(a: { createdMs: number; order: number }, b: { createdMs: number; order: number }): boolean {
  return a.createdMs > b.createdMs || (a.createdMs === b.createdMs && a.order > b.order)
}
