import { createContent, createRandom, saying } from '../kit/index.ts'
import type { Random } from '../kit/index.ts'
import type { Acts } from './acts.ts'
import { albums, alts, captions, events, friends, pages, places, wishes } from './phrases.ts'
import type { FacebookGenerateOptions, NewPhoto, NewPost, Privacy } from './types.ts'
import type { World } from './world.ts'

/** This share of the generated texts is of the kit's troublesome ones: other scripts, markup, very long. */
const troubleRate = 0.12
const photosPerAlbum = 30

/** Fills accounts with years of a life. Same seed, same content. */
export function createGenerator(world: World, acts: Acts) {
  let runs = 0

  const photo = (random: Random): NewPhoto => ({
    caption: random.chance(0.6) ? random.pick(captions) : null,
    alt: random.chance(0.4) ? random.pick(alts) : null,
  })
  const numbers = (random: Random) => ({
    reactions: random.int(0, 60),
    comments: random.chance(0.4) ? random.int(1, 12) : 0,
    shares: random.chance(0.1) ? random.int(1, 5) : 0,
    privacy: random.pick<Privacy>(['EVERYONE', 'ALL_FRIENDS', 'ALL_FRIENDS', 'FRIENDS_OF_FRIENDS', 'SELF', 'CUSTOM']),
  })

  /** What hangs on a post that has more than words. */
  function attachment(random: Random, name: string): NewPost {
    const roll = random.next()
    if (roll < 0.1) return { video: { title: random.chance(0.5) ? random.pick(captions) : null } }
    if (roll < 0.25)
      return {
        link: {
          url: `https://example.org/${name}/${random.hex(3)}?from=fb&page=${random.int(1, 9)}`,
          title: `About ${name} & more`,
          description: 'A long read.',
          picture: random.chance(0.7),
        },
      }
    return { photos: Array.from({ length: random.pick([1, 1, 1, 2, 4, 15]) }, () => photo(random)) }
  }

  return function generate(wanted: FacebookGenerateOptions = {}): void {
    const base = wanted.account === undefined ? {} : { account: wanted.account }
    const name = `${wanted.seed ?? world.seed}-${wanted.account ?? ''}-${runs++}`
    const content = createContent(name)
    const from = new Date(wanted.from ?? '2016-06-01T08:00:00Z').getTime()
    const to = new Date(wanted.to ?? '2024-06-01T20:00:00Z').getTime()
    const rate = wanted.withMedia === true ? 0.4 : Number(wanted.withMedia ?? 0)
    /** Times evenly over the span, with some disorder, in whole seconds. */
    const times = (label: string, count = 0) =>
      Array.from({ length: count }, (_, i) => {
        const random = createRandom(name, label, i)
        const createdAt = Math.floor((from + ((to - from) / count) * (i + random.next() * 0.9)) / 1000) * 1000
        return { random, createdAt, i }
      })

    const posts = wanted.posts ?? 0
    for (const { random, createdAt, i } of times('post', posts)) {
      const { subject, text } = saying(random)
      const message = random.chance(troubleRate) ? content.post(i).text : text
      const exact =
        wanted.pictures === undefined ? null : Math.floor(((i + 1) * wanted.pictures) / posts) - Math.floor((i * wanted.pictures) / posts)
      const more =
        exact === null ? (random.chance(rate) ? attachment(random, subject.name) : {}) : exact > 0 ? { photos: [photo(random)] } : {}
      const friend = random.chance(0.08) ? random.pick(friends) : null
      const words =
        more.photos && random.chance(0.15)
          ? {}
          : friend === null
            ? { message }
            : { message: `${message} – ${friend}`, tags: [{ name: friend }] }
      acts.post({
        ...base,
        createdAt,
        ...numbers(random),
        ...words,
        ...more,
        with: random.chance(0.05) ? [random.pick(friends)] : [],
      })
      if (random.chance(wanted.hidden ?? 0)) acts.post({ ...base, createdAt, message: 'Not for this app', hidden: true })
    }
    for (const { random, createdAt } of times('check-in', wanted.checkIns))
      acts.checkIn(random.pick(places), {
        ...base,
        createdAt,
        ...numbers(random),
        message: random.chance(0.5) ? saying(random).text : null,
        photos: random.chance(rate) ? [photo(random)] : [],
      })
    let album = ''
    for (const { random, createdAt, i } of times('photo', wanted.photos)) {
      if (i % photosPerAlbum === 0) {
        const round = Math.floor(i / photosPerAlbum)
        const title = albums[round % albums.length]!
        album = acts.addAlbum({
          ...base,
          createdAt,
          name: round < albums.length ? title : `${title} (${Math.floor(round / albums.length) + 1})`,
        })
      }
      acts.addPhoto({ ...base, createdAt, album, ...photo(random), ...(random.chance(0.1) && { place: random.pick(places) }) })
    }
    for (const { random, createdAt } of times('video', wanted.videos))
      acts.addVideo({ ...base, createdAt, title: random.pick(captions), description: random.chance(0.5) ? saying(random).text : null })
    for (const { createdAt, i } of times('like', wanted.likes))
      acts.likePage(i < pages.length ? pages[i]! : `${pages[i % pages.length]} ${Math.floor(i / pages.length) + 1}`, { ...base, createdAt })
    for (const { random, createdAt } of times('event', wanted.events)) {
      const [title, description] = random.pick(events)
      const role = random.pick(['hosting', 'attending', 'attending', 'unsure'] as const)
      acts.addEvent({ ...base, createdAt, name: title, description, role, place: random.chance(0.8) ? random.pick(places) : null })
    }
    for (const { random, createdAt } of times('wall', wanted.wallPosts))
      acts.wallPost(random.pick(friends), { ...base, createdAt, message: random.pick(wishes) })
  }
}
