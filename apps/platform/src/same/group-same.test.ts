import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { groupSame, pairName, type Candidate, type Pair } from './group-same.ts'
import { likenessesOf } from './likenesses.ts'
import { likeness, sketchOf } from './sketch.ts'

const text = 'Today we walked all the way around the lake, and the ice was singing the whole afternoon'
const at = { 'asheville:at': '2024-05-06T07:08:09.000Z' }
const note = (more: object) => ({ id: 'https://one.example/notes/1', type: 'Note', ...at, ...more })
const kinds = (object: object) => likenessesOf(object as Record<string, unknown>).found

/** What two objects have in common, as the index finds it. */
function inCommon(one: object, other: object): string[] {
  const theirs = kinds(other)
  return kinds(one).flatMap(({ kind, value }) => theirs.filter((each) => each.value === value).map((each) => `${kind} ${each.kind}`))
}

describe('what an item is recognised by', () => {
  const other = (more: object) => ({ id: 'at://did:plc:one/app.bsky.feed.post/1', type: 'Note', ...at, ...more })

  test('words, whatever links, mentions, hashtags, capitals and markup are about them', () => {
    const there = note({ content: `<p>${text.toUpperCase()} <a href="https://a.example/x">a.example/x</a> #ice @ann@example.social</p>` })
    const here = other({ content: `${text}… https://t.co/abc` })
    expect(inCommon(there, here)).toContain('words words')
    expect(likeness(likenessesOf(there).sketch!, likenessesOf(here).sketch!)).toBe(1)
    expect(inCommon(note({ content: 'Good morning, everybody!' }), other({ content: 'Good morning, everybody!' }))).toEqual([])
    expect(
      inCommon(
        note({ content: '今日は友達と東京タワーに行って来ました。楽しかったです' }),
        other({ content: '今日は友達と東京タワーに行って来ました。楽しかったです' }),
      ),
    ).toContain('words words')
  })

  test('the same words at nearly the same time', () => {
    const written = (ms: number) => note({ content: text, 'asheville:at': new Date(ms).toISOString() })
    const minute = 60_000
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2e12 }), fc.integer({ min: 0, max: 10 * minute }), (began, later) => {
        expect(inCommon(written(began), written(began + later))).toContain('words words')
        expect(inCommon(written(began), written(began + later + 20 * minute))).not.toContain('words words')
      }),
    )
    expect(inCommon(note({ content: text, 'asheville:at': null }), other({ content: text }))).toEqual([])
  })

  test('a text that was cut is nearly the same, another is not', () => {
    const long = `${text}. ${'And then we came home, made a fire, and told each other all that we had seen out there. '.repeat(3)}`
    expect(
      likeness(sketchOf([...long.replaceAll(/\W/g, '')].slice(0, 200).join(''))!, likenessesOf(note({ content: long })).sketch!),
    ).toBeGreaterThan(0.5)
    const cut = likenessesOf(note({ content: `${long.slice(0, 270)}…` })).sketch!
    expect(likeness(cut, likenessesOf(note({ content: long })).sketch!)).toBe(1)
    const another = 'A completely different story about the cat that lives next door and never comes home'
    expect(likeness(cut, likenessesOf(note({ content: another })).sketch!)).toBeLessThan(0.3)
  })

  test('addresses that it gives as its own, however they are written', () => {
    const article = { id: 'urn:uuid:1', type: 'Article', name: 'How ice sings', url: 'https://www.blog.example/ice/' }
    const page = { type: 'Page', url: 'http://blog.example/ice?utm_source=x', name: 'How ice sings' }
    expect(inCommon(article, other({ url: 'https://blog.example/ice' }))).toContain('is is')
    expect(inCommon(article, other({ sameAs: 'https://blog.example/ice' }))).toEqual(['is names'])
    expect(inCommon(article, other({ content: 'How ice sings: https://blog.example/ice', attachment: [page] }))).toEqual(['is names'])
    // To speak of a page is not to post it.
    expect(inCommon(article, other({ content: 'Read this, it is so good', attachment: [page] }))).toEqual([])
    const pages = [page, { ...page, url: 'https://blog.example/snow' }]
    expect(inCommon(article, other({ content: 'How ice sings', attachment: pages }))).toEqual([])
    expect(inCommon({ ...article, url: 'https://blog.example/' }, other({ url: 'https://blog.example' }))).toEqual([])
    expect(kinds({ id: 'https://one.example/likes/1', type: 'Like', object: article })).toEqual([])
  })

  test('all the files that it shows', () => {
    const file = (name: string) => ({ type: 'Image', url: `https://one.example/${name}`, 'asheville:sha256': name.repeat(64) })
    expect(inCommon(note({ attachment: [file('a'), file('b')] }), other({ attachment: [file('b'), file('a')] }))).toEqual(['files files'])
    expect(inCommon(note({ attachment: [file('a'), file('b')] }), other({ attachment: [file('b')] }))).toEqual([])
    expect(inCommon(note({ icon: file('a') }), other({ icon: file('a') }))).toEqual([])
  })

  test('whatever the object holds, it does not throw', () => {
    fc.assert(
      fc.property(fc.object({ key: fc.constantFrom('id', 'url', 'content', 'name', 'attachment', 'href', 'type', 'sameAs') }), (object) => {
        expect(likenessesOf(object)).toEqual(likenessesOf(object))
      }),
      { numRuns: 200 },
    )
  })
})

describe('which items are the same', () => {
  const minute = 60_000
  const sketch = sketchOf('todaywewalkedallthewayaroundthelake')!
  const otherSketch = sketchOf('acompletelydifferentstoryaboutthecat')!
  const at = (key: string, account: string, atMs: number | null = 0): Candidate => ({ key, account, atMs })
  const pair = (one: string, other: string, by: Pair['by'], sketches: Pair['sketches'] = [null, null]): Pair => ({
    one,
    other,
    by,
    sketches,
  })
  const keysOf = (...given: Parameters<typeof groupSame>) => groupSame(...given).map(({ keys }) => keys.join(''))
  const none = new Set<string>()

  test('the same words within ten minutes, not later, and not by words that are another’s', () => {
    const words = pair('a', 'b', 'words', [sketch, sketch])
    expect(keysOf([at('a', '1'), at('b', '2', 10 * minute)], [words], none)).toEqual(['ab'])
    expect(keysOf([at('a', '1'), at('b', '2', 10 * minute + 1)], [words], none)).toEqual([])
    expect(keysOf([at('a', '1'), at('b', '2', null)], [words], none)).toEqual([])
    expect(keysOf([at('a', '1'), at('b', '2')], [pair('a', 'b', 'words', [sketch, otherSketch])], none)).toEqual([])
  })

  test('the same files, whenever, unless the words contradict', () => {
    const years = [at('a', '1'), at('b', '2', 9e10)]
    expect(keysOf(years, [pair('a', 'b', 'files')], none)).toEqual(['ab'])
    expect(keysOf(years, [pair('a', 'b', 'files', [sketch, null])], none)).toEqual(['ab'])
    expect(keysOf(years, [pair('a', 'b', 'files', [sketch, otherSketch])], none)).toEqual([])
  })

  test('never two of one account: the surer one, then the nearer one', () => {
    const three = [at('a', '1'), at('b', '2', 5), at('c', '2', 3)]
    expect(keysOf(three, [pair('a', 'b', 'files'), pair('a', 'c', 'files')], none)).toEqual(['ac'])
    expect(keysOf(three, [pair('a', 'b', 'link'), pair('a', 'c', 'files')], none)).toEqual(['ab'])
    expect(keysOf([at('a', '1'), at('b', '1')], [pair('a', 'b', 'link')], none)).toEqual([])
  })

  test('what the person keeps apart is not brought together by a third', () => {
    const three = [at('a', '1'), at('b', '2', 5), at('c', '3', 3)]
    const pairs = [pair('a', 'b', 'files'), pair('b', 'c', 'files'), pair('a', 'c', 'files')]
    expect(keysOf(three, pairs, none)).toEqual(['abc'])
    expect(keysOf(three, pairs, new Set([pairName('b', 'a')]))).toEqual(['bc'])
  })

  test('the same in whatever order they come, and no group breaks a rule', () => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    const someKey = fc.constantFrom(...keys)
    const given = fc.record({
      candidates: fc.tuple(
        ...keys.map((key) =>
          fc.record({ key: fc.constant(key), account: fc.constantFrom('1', '2', '3', '4'), atMs: fc.option(fc.nat(20 * minute)) }),
        ),
      ),
      pairs: fc.array(
        fc.record({
          one: someKey,
          other: someKey,
          by: fc.constantFrom<Pair['by']>('link', 'files', 'words'),
          sketches: fc.tuple(fc.constantFrom(null, sketch, otherSketch), fc.constantFrom(null, sketch, otherSketch)),
        }),
        { maxLength: 20 },
      ),
      apart: fc.array(fc.tuple(someKey, someKey), { maxLength: 4 }),
      seed: fc.infiniteStream(fc.nat()),
    })
    fc.assert(
      fc.property(given, ({ candidates, pairs, apart, seed }) => {
        const shuffled = <T>(values: readonly T[]) =>
          values
            .map((value) => ({ value, rank: seed.next().value! }))
            .sort((one, other) => one.rank - other.rank)
            .map(({ value }) => value)
        const keptApart = new Set(apart.map(([one, other]) => pairName(one, other)))
        const groups = groupSame(candidates, pairs, keptApart)
        const turned = shuffled(pairs).map((each): Pair => ({
          ...each,
          one: each.other,
          other: each.one,
          sketches: [each.sketches[1], each.sketches[0]],
        }))
        expect(groupSame(shuffled(candidates), turned, keptApart)).toEqual(groups)
        const accountOf = new Map(candidates.map(({ key, account }) => [key, account]))
        for (const { keys: group } of groups) {
          expect(new Set(group.map((key) => accountOf.get(key))).size).toBe(group.length)
          for (const one of group) for (const other of group) if (one !== other) expect(keptApart.has(pairName(one, other))).toBe(false)
        }
        expect(new Set(groups.flatMap(({ keys: group }) => group)).size).toBe(groups.flatMap(({ keys: group }) => group).length)
      }),
      { numRuns: 300 },
    )
  })
})
