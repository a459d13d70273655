import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { kindOf, safeName, type AshevilleError, type Storage, type StoredFile, type Upload } from '@asheville/core'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { hostileNames } from './hostile-names.ts'
import {
  bytesOf,
  failures,
  kindThrown,
  paths,
  putOne,
  read,
  sha256,
  signal,
  stored,
  uploadOf,
  wordsOf,
  type StorageUnderTest,
} from './storage-under-test.ts'

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

/**
 * Proves that a storage keeps the contract of `Storage` (libs/core/src/storage.ts). Every adapter's test calls it.
 *
 * @param make a fresh, empty place for each test
 */
export function describeStorage(title: string, make: () => Promise<StorageUnderTest>): void {
  describe(`${title} keeps the contract of a storage`, () => {
    let place: StorageUnderTest
    let storage: Storage
    beforeEach(async () => {
      place = await make()
      storage = place.storage
    })
    afterEach(() => place.close())

    describe('bytes', () => {
      const chunk = 64 * 1024
      test.each([0, 1, chunk - 1, chunk, chunk + 1, 1024 * 1024 + 7])('%i bytes come back as they went', async (size) => {
        const data = randomBytes(size)
        const revision = await stored(storage, uploadOf('a/file.bin', data))
        expect((await read(storage, 'a/file.bin'))?.equals(data)).toBe(true)
        const file = await storage.stat('a/file.bin', signal)
        expect(file).toMatchObject({ path: 'a/file.bin', bytes: size, revision })
        const listed: (StoredFile | null)[] = [file]
        for await (const one of storage.list('a', signal)) listed.push(one)
        expect(listed).toHaveLength(2)
        expect({ ...listed[1], modified: null }).toEqual({ ...file, modified: null })
        for (const one of listed) if (one!.modified !== null) expect(one!.modified).toMatch(instant)
      })

      test('ranges', async () => {
        if (!storage.can.range) return
        const data = randomBytes(200_000)
        await stored(storage, uploadOf('a/file.bin', data))
        for (const [start, end] of [
          [0, 0],
          [0, 99],
          [65_535, 65_536],
          [199_999, 199_999],
          [199_000, 500_000],
        ] as const) {
          const got = await storage.get('a/file.bin', { range: { start, end }, signal })
          if (got === null || got === 'unchanged') throw new Error('nothing came')
          expect((await bytesOf(got.body)).equals(data.subarray(start, end + 1))).toBe(true)
          expect(got.bytes).toBe(data.length)
        }
      })

      test('a body shorter, longer or other than announced is refused and leaves no file', async () => {
        const honest = uploadOf('a/file.bin', 'twelve bytes')
        const lies: Upload[] = [
          { ...honest, bytes: 13 },
          { ...honest, bytes: 11 },
          { ...honest, sha256: sha256(Buffer.from('another')) },
        ]
        for (const lie of lies) {
          expect(await putOne(storage, lie)).toMatchObject({ outcome: 'failed' })
          expect(await storage.stat('a/file.bin', signal)).toBeNull()
        }
        expect(await paths(storage)).toEqual([])
      })

      test('a body that breaks half-way leaves no file, and an earlier version as it was', async () => {
        const revision = await stored(storage, uploadOf('a/old.json', 'the earlier version'))
        const breaking = (path: string, replaces: Upload['replaces']): Upload => ({
          ...uploadOf(path, randomBytes(300_000), replaces),
          body: () =>
            Readable.from(
              (async function* () {
                yield randomBytes(100_000)
                throw new Error('the source broke')
              })(),
              { objectMode: false },
            ),
        })
        const results = await storage.put(
          [breaking('a/old.json', revision), breaking('a/new.json', null), uploadOf('a/good.json', 'good')],
          signal,
        )
        expect(results.map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'stored'])
        expect(await read(storage, 'a/old.json')).toEqual(Buffer.from('the earlier version'))
        expect(await paths(storage)).toEqual(['a/good.json', 'a/old.json'])
      })

      test('the outcomes of many uploads come in their order', async () => {
        const uploads = Array.from({ length: 25 }, (_, index) => uploadOf(`many/${index % 5}/${index}.json`, `number ${index}`))
        const results = await storage.put(uploads, signal)
        expect(results.map(({ path }) => path)).toEqual(uploads.map(({ path }) => path))
        expect(results.every(({ outcome }) => outcome === 'stored')).toBe(true)
        expect(await read(storage, 'many/3/13.json')).toEqual(Buffer.from('number 13'))
      })
    })

    describe('versions', () => {
      test('putting twice leaves one file, the newest', async () => {
        await stored(storage, uploadOf('a/file.json', 'first', 'any'))
        await stored(storage, uploadOf('a/file.json', 'second', 'any'))
        expect(await read(storage, 'a/file.json')).toEqual(Buffer.from('second'))
        expect(await paths(storage)).toEqual(['a/file.json'])
      })

      test('who reads while it is replaced sees a whole version', async () => {
        const versions = [0, 1, 2, 3, 4, 5].map((index) => Buffer.alloc(300_000 + index, randomBytes(1000)))
        await stored(storage, uploadOf('a/file.bin', versions[0]!))
        let isWriting = true
        const writing = (async () => {
          for (const version of versions) await stored(storage, uploadOf('a/file.bin', version, 'any'))
        })().finally(() => (isWriting = false))
        do {
          const seen = await read(storage, 'a/file.bin')
          expect(versions.findIndex((version) => seen?.equals(version))).not.toBe(-1)
        } while (isWriting)
        await writing
        expect(await paths(storage)).toEqual(['a/file.bin'])
      })

      test('every version has a mark of its own, also at the same size within the same moment', async () => {
        const marks: string[] = []
        for (let index = 0; index < 6; index++) marks.push(await stored(storage, uploadOf('a/file.json', `same size ${index}`, 'any')))
        expect(new Set(marks).size).toBe(marks.length)
        expect((await storage.stat('a/file.json', signal))?.revision).toBe(marks.at(-1))
        for await (const file of storage.list('', signal)) expect(file.revision).toBe(marks.at(-1))
      })

      test('unless: an unchanged file is not sent again', async () => {
        const revision = await stored(storage, uploadOf('a/file.json', 'first'))
        expect(await storage.get('a/file.json', { unless: revision, signal })).toBe('unchanged')
        const newer = await stored(storage, uploadOf('a/file.json', 'second', 'any'))
        const got = await storage.get('a/file.json', { unless: revision, signal })
        if (got === null || got === 'unchanged') throw new Error('nothing came')
        expect(got.revision).toBe(newer)
        expect(await bytesOf(got.body)).toEqual(Buffer.from('second'))
      })

      test('a stale revision, or a file where none must be, is a conflict', async () => {
        if (!storage.can.conditional) return
        const first = await stored(storage, uploadOf('a/file.json', 'first'))
        expect(await putOne(storage, uploadOf('a/file.json', 'another', null))).toMatchObject({ outcome: 'conflict' })
        const second = await stored(storage, uploadOf('a/file.json', 'second', first))
        expect(await putOne(storage, uploadOf('a/file.json', 'third', first))).toMatchObject({ outcome: 'conflict' })
        expect(await read(storage, 'a/file.json')).toEqual(Buffer.from('second'))
        await storage.remove('a/file.json', second, signal)
        expect(await putOne(storage, uploadOf('a/file.json', 'fourth', second))).toMatchObject({ outcome: 'conflict' })
        expect(await storage.stat('a/file.json', signal)).toBeNull()
      })

      test('of many who replace the same version at once, one succeeds', async () => {
        if (!storage.can.conditional) return
        for (const replaces of [null, await stored(storage, uploadOf('b/file.json', 'start'))]) {
          const path = replaces === null ? 'a/file.json' : 'b/file.json'
          const attempts = Array.from({ length: 8 }, (_, index) => putOne(storage, uploadOf(path, `writer ${index}`, replaces)))
          const outcomes = (await Promise.all(attempts)).map(({ outcome }) => outcome)
          expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1)
          expect(outcomes.filter((outcome) => outcome === 'conflict')).toHaveLength(7)
        }
      })
    })

    describe('names', () => {
      const names = [
        'with space.json',
        'Ünïcödé – 日本語 – 🎈.json',
        'ada@example.social/posts/2024-03.json',
        'a#b?c%41&d+e=f;g.json',
        'a.b..c.json',
        `${'long'.repeat(30)}.json`,
        'deep/'.repeat(20) + 'file.json',
        "[brackets](and) {braces} 'quotes' $HOME ~ !.json",
      ]
      test('are kept as they are', async () => {
        await storage.put(
          names.map((name) => uploadOf(name, `content of ${name}`)),
          signal,
        )
        expect(await paths(storage)).toEqual([...names].sort())
        for (const name of names) expect(await read(storage, name)).toEqual(Buffer.from(`content of ${name}`))
      })

      test('that look alike never overwrite each other', async () => {
        const twins = [
          ['Case.json', 'case.json'],
          ['n/caf\u00e9.json', 'n/cafe\u0301.json'],
        ] as const
        for (const [one, other] of twins) {
          await stored(storage, uploadOf(one, 'one'))
          const result = await putOne(storage, uploadOf(other, 'other'))
          expect(await read(storage, one)).toEqual(Buffer.from('one'))
          if (result.outcome === 'stored') expect(await read(storage, other)).toEqual(Buffer.from('other'))
        }
      })

      test('of two hundred hostile texts, made safe as platform makes them, are all kept, and none becomes another', async () => {
        const contents = new Map(hostileNames.map((text) => [`names/${safeName(text)}`, text]))
        expect(contents.size).toBeGreaterThanOrEqual(200)
        const results = await storage.put(
          [...contents].map(([path, text]) => uploadOf(path, text)),
          signal,
        )
        expect(results.filter(({ outcome }) => outcome !== 'stored')).toEqual([])
        expect(await paths(storage)).toEqual([...contents.keys()].sort())
        for (const [path, text] of contents) expect(await read(storage, path)).toEqual(Buffer.from(text))
      }, 60_000)

      const hostile = [
        '',
        '/',
        '/etc/passwd',
        '..',
        '../out.json',
        'a/../../out.json',
        'a/./b',
        'a//b',
        './a',
        'a/',
        'a\0b',
        'a\\..\\b',
        'C:/a',
        '\ud800.json',
      ]
      test.each(hostile)('%j is refused', async (path) => {
        const result = await putOne(storage, uploadOf(path, 'x', 'any'))
        expect(result).toMatchObject({ outcome: 'failed', error: { kind: 'invalid' } })
        expect(await kindThrown(storage.get(path, { signal }))).toBe('invalid')
        expect(await kindThrown(storage.stat(path, signal))).toBe('invalid')
        expect(await kindThrown(storage.remove(path, null, signal))).toBe('invalid')
        if (path !== '') expect(await kindThrown(paths(storage, path))).toBe('invalid')
        expect(await paths(storage)).toEqual([])
      })
    })

    describe('absence', () => {
      test('is a value', async () => {
        expect(await storage.get('no/such.json', { signal })).toBeNull()
        expect(await storage.stat('no/such.json', signal)).toBeNull()
        await storage.remove('no/such.json', null, signal)
        expect(await paths(storage)).toEqual([])
        expect(await paths(storage, 'no/such')).toEqual([])
      })

      test('a folder is no file', async () => {
        await stored(storage, uploadOf('a/b/file.json', 'x'))
        expect(await storage.stat('a/b', signal)).toBeNull()
        expect(await storage.get('a/b/file.json/c', { signal })).toBeNull()
      })

      test('follows remove, which with a revision spares a newer version', async () => {
        const revision = await stored(storage, uploadOf('a/file.json', 'first'))
        await stored(storage, uploadOf('a/file.json', 'second', 'any'))
        if (storage.can.conditional) {
          expect(await kindThrown(storage.remove('a/file.json', revision, signal))).toBe('conflict')
          expect(await read(storage, 'a/file.json')).toEqual(Buffer.from('second'))
        }
        await storage.remove('a/file.json', null, signal)
        expect(await storage.get('a/file.json', { signal })).toBeNull()
      })

      test('follows many removes side by side, while others are written', async () => {
        const names = Array.from({ length: 12 }, (_, index) => `many/${index}.json`)
        for (const result of await storage.put(
          names.map((name) => uploadOf(name, name)),
          signal,
        ))
          expect(result.outcome).toBe('stored')
        const [results] = await Promise.all([
          storage.put([uploadOf('other/1.json', 'kept'), uploadOf('other/2.json', 'kept too')], signal),
          ...names.map((name) => storage.remove(name, null, signal)),
        ])
        expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'stored'])
        expect((await paths(storage)).sort()).toEqual(['other/1.json', 'other/2.json'])
      })
    })

    describe('list', () => {
      const all = Array.from({ length: 230 }, (_, index) => `list/${index % 7}/${index % 3}/${index}.json`)
      test('names every file below a folder once, however many', async () => {
        await storage.put(
          [...all, 'list-other/x.json'].map((path) => uploadOf(path, path)),
          signal,
        )
        expect(await paths(storage)).toEqual([...all, 'list-other/x.json'].sort())
        expect(await paths(storage, 'list')).toEqual([...all].sort())
        expect(await paths(storage, 'list/3')).toEqual(all.filter((path) => path.startsWith('list/3/')).sort())
      })

      test('stops when aborted', async () => {
        await storage.put(
          all.map((path) => uploadOf(path, path)),
          signal,
        )
        const controller = new AbortController()
        let seen = 0
        const listing = (async () => {
          for await (const file of storage.list('', controller.signal)) if (file && ++seen === 3) controller.abort()
        })()
        expect(await kindThrown(listing)).toBe('cancelled')
        expect(seen).toBeLessThan(all.length)
      })
    })

    describe('changes', () => {
      test('are told once, ours as well, and what is quiet has none', async () => {
        if (!storage.changes) return
        const replaced = await stored(storage, uploadOf('a/replaced.json', 'first'))
        const removed = await stored(storage, uploadOf('a/removed.json', 'x'))
        const begin = await storage.changes(null, signal)
        expect(begin.paths).toBe('all')
        expect((await storage.changes(begin.cursor, signal)).paths).toEqual([])
        await stored(storage, uploadOf('a/b/new.json', 'x'))
        await stored(storage, uploadOf('a/replaced.json', 'second', replaced))
        await storage.remove('a/removed.json', removed, signal)
        const news = await storage.changes(begin.cursor, signal)
        if (news.paths !== 'all') expect(news.paths.sort()).toEqual(['a/b/new.json', 'a/removed.json', 'a/replaced.json'])
        expect((await storage.changes(news.cursor, signal)).paths).toEqual([])
      })

      test('since a cursor that is not known any more are all', async () => {
        if (!storage.changes || !place.forgetCursors) return
        const { cursor } = await storage.changes(null, signal)
        await place.forgetCursors()
        if (storage.untilChange) expect(await storage.untilChange(cursor, 10_000, signal)).toBe(true)
        const anew = await storage.changes(cursor, signal)
        expect(anew.paths).toBe('all')
        expect((await storage.changes(anew.cursor, signal)).paths).toEqual([])
      })

      test('are waited for: until there is one, until it has been long enough, until nobody wants them', async () => {
        if (!storage.changes || !storage.untilChange) return
        const { cursor } = await storage.changes(null, signal)
        expect(await storage.untilChange(cursor, 50, signal)).toBe(false)
        const waiting = storage.untilChange(cursor, 60_000, signal)
        await stored(storage, uploadOf('a/file.json', 'x'))
        expect(await waiting).toBe(true)
        expect(await storage.untilChange(cursor, 60_000, signal)).toBe(true)
        const controller = new AbortController()
        const { cursor: latest } = await storage.changes(cursor, signal)
        const stopped = storage.untilChange(latest, 60_000, controller.signal).catch(kindOf)
        controller.abort()
        expect(await stopped).toBe('cancelled')
      })
    })

    test('an aborted put stores nothing more', async () => {
      const controller = new AbortController()
      const slow: Upload = {
        ...uploadOf('a/slow.bin', Buffer.alloc(200_000)),
        body: () =>
          Readable.from(
            (async function* () {
              yield Buffer.alloc(100_000)
              controller.abort()
              yield Buffer.alloc(100_000)
            })(),
            { objectMode: false },
          ),
      }
      expect((await storage.put([slow], controller.signal))[0]).toMatchObject({ outcome: 'failed', error: { kind: 'cancelled' } })
      expect(await kindThrown(storage.get('a/slow.bin', { signal: controller.signal }))).toBe('cancelled')
      expect(await paths(storage)).toEqual([])
    })

    test('space', async () => {
      if (!storage.space) return
      const { used, total } = await storage.space(signal)
      if (used !== null) expect(used).toBeGreaterThanOrEqual(0)
      if (total !== null) expect(total).toBeGreaterThanOrEqual(used ?? 0)
    })

    test('a full storage says so, keeps what it has, leaves nothing half, and goes on when there is space', async () => {
      if (!place.fillQuota) return
      const revision = await stored(storage, uploadOf('a/old.json', 'the earlier version'))
      await place.fillQuota()
      const big = randomBytes(400_000)
      const results = await storage.put([uploadOf('a/old.json', big, revision), uploadOf('a/new.json', big)], signal)
      for (const result of results) expect(result).toMatchObject({ outcome: 'failed', error: { kind: 'storage-full' } })
      expect(await read(storage, 'a/old.json')).toEqual(Buffer.from('the earlier version'))
      expect(await storage.stat('a/new.json', signal)).toBeNull()
      if (!place.freeQuota) return
      await place.freeQuota()
      await stored(storage, uploadOf('a/new.json', big))
      expect(await paths(storage)).toContain('a/new.json')
    })

    test('a dead token is reconnect-required everywhere, and appears in no error', async () => {
      if (!place.killToken) return
      await stored(storage, uploadOf('a/file.json', 'x'))
      const token = await place.killToken()
      for (const error of await failures(storage)) {
        expect(error).toMatchObject({ kind: 'reconnect-required' })
        expect(wordsOf(error)).not.toContain(token)
      }
    })

    test('a renewed token is used at once', async () => {
      if (!place.renewToken) return
      await stored(storage, uploadOf('a/file.json', 'x'))
      await place.renewToken()
      expect(await paths(storage)).toEqual(['a/file.json'])
      await stored(storage, uploadOf('a/file.json', 'y', 'any'))
      expect(await read(storage, 'a/file.json')).toEqual(Buffer.from('y'))
    })

    test.each([
      ['rate-limited', 'rate-limited'],
      ['server-error', 'unavailable'],
      ['hang', 'unavailable'],
    ] as const)('%s is told as %s everywhere, never as absence, and harms nothing', async (fault, kind) => {
      if (!place.fault) return
      await stored(storage, uploadOf('a/file.json', 'x'))
      await place.fault(fault)
      for (const error of await failures(storage)) {
        expect(error).toMatchObject({ kind })
        if (kind === 'rate-limited') expect((error as AshevilleError).retryAfterMs).toBeGreaterThan(0)
      }
      await place.fault(null)
      expect(await paths(storage)).toEqual(['a/file.json'])
      expect(await read(storage, 'a/file.json')).toEqual(Buffer.from('x'))
    })

    test('an answer that ends half-way is an error, not a shorter file or list', async () => {
      if (!place.fault) return
      await stored(storage, uploadOf('a/file.bin', randomBytes(300_000)))
      await place.fault('cut-off')
      expect(await kindThrown(read(storage, 'a/file.bin'))).toBe('unavailable')
      expect(await kindThrown(paths(storage))).not.toBe('nothing thrown')
    })
  })
}
