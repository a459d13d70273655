import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { AshevilleError, type PutResult, type Storage, type Upload } from '@asheville/core'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'

/** An empty place to store in, opened, and what can be done to it from outside. A hook that is absent skips its cases. */
export interface StorageUnderTest {
  storage: Storage
  /** Leaves less than 64 KiB of space. */
  fillQuota?(): Promise<void>
  /** Makes space again. */
  freeQuota?(): Promise<void>
  /** The other side refuses the token from now on; answers the token, so that the suite can look for it in errors. */
  killToken?(): Promise<string>
  close(): Promise<void>
}

const signal = new AbortController().signal
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

/** An upload of these bytes (or this text), with nothing there before unless said otherwise. */
export function uploadOf(path: string, content: Uint8Array | string, replaces: Upload['replaces'] = null): Upload {
  const data = Buffer.from(content)
  return { path, bytes: data.length, sha256: sha256(data), body: () => Readable.from([data], { objectMode: false }), replaces }
}

/** All bytes of a stream. */
export async function bytesOf(body: Readable): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of body) pieces.push(Buffer.from(piece as Uint8Array))
  return Buffer.concat(pieces)
}

async function read(storage: Storage, path: string): Promise<Buffer | null> {
  const got = await storage.get(path, { signal })
  if (got === 'unchanged') throw new Error('unchanged without being asked')
  return got && bytesOf(got.body)
}

async function putOne(storage: Storage, upload: Upload): Promise<PutResult> {
  const [result] = await storage.put([upload], signal)
  if (!result) throw new Error('no result')
  return result
}

async function stored(storage: Storage, upload: Upload): Promise<string> {
  const result = await putOne(storage, upload)
  if (result.outcome === 'failed') throw result.error
  if (result.outcome !== 'stored') throw new Error(`${upload.path}: ${result.outcome}`)
  return result.revision
}

async function paths(storage: Storage, prefix = ''): Promise<string[]> {
  const found: string[] = []
  for await (const file of storage.list(prefix, signal)) found.push(file.path)
  return found.sort()
}

const kindThrown = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing thrown',
    (error: unknown) => (error instanceof AshevilleError ? error.kind : error),
  )

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
        expect(await read(storage, 'a/file.bin')).toEqual(data)
        expect(await storage.stat('a/file.bin', signal)).toMatchObject({ path: 'a/file.bin', bytes: size, revision })
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
          expect(await bytesOf(got.body)).toEqual(data.subarray(start, end + 1))
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
      const put = await putOne(storage, uploadOf('a/new.json', 'x'))
      expect(put).toMatchObject({ outcome: 'failed', error: { kind: 'reconnect-required' } })
      const thrown: unknown[] = put.outcome === 'failed' ? [put.error] : []
      const attempts = [
        () => storage.get('a/file.json', { signal }),
        () => storage.stat('a/file.json', signal),
        () => paths(storage),
        () => storage.remove('a/file.json', null, signal),
      ]
      for (const attempt of attempts) {
        const error = await attempt().then(
          () => null,
          (reason: unknown) => reason,
        )
        expect(error).toMatchObject({ kind: 'reconnect-required' })
        thrown.push(error)
      }
      for (const error of thrown) expect(wordsOf(error)).not.toContain(token)
    })
  })
}

/** Everything that an error would print, causes included. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return [error.stack, JSON.stringify(error), error.cause === undefined ? '' : wordsOf(error.cause)].join('\n')
}
