import { AshevilleError, type ErrorDetails, type ErrorKind, type Storage, type Upload } from '@asheville/core'
import { describe, expect, test } from '@jest/globals'
import { withRetry } from './with-retry.ts'

const { signal } = new AbortController()
const failure = (kind: ErrorKind, details: ErrorDetails = {}) => new AshevilleError(kind, 'No', details)

/** A storage that fails with these, one after the other, and then does what it is asked; every file of a put whose path is in `spared` is stored in any case. */
function scripted(failures: readonly AshevilleError[], spared: readonly string[] = []) {
  const left = [...failures]
  const asked: string[] = []
  const answer = async (name: string): Promise<null> => {
    asked.push(name)
    const error = left.shift()
    if (error) throw error
    return null
  }
  const storage = {
    can: { conditional: true, batch: 1, range: true, maxBytes: 1, hash: null },
    async put(files: readonly Upload[]) {
      asked.push(files.map(({ path }) => path).join(' '))
      const error = left.shift()
      return files.map(({ path }) =>
        error && !spared.includes(path) ? { outcome: 'failed' as const, path, error } : { outcome: 'stored' as const, path, revision: '1' },
      )
    },
    stat: () => answer('stat'),
    get: () => answer('get'),
    remove: () => answer('remove'),
    space: () => answer('space'),
    changes: () => answer('changes'),
  } as unknown as Storage
  return { storage: withRetry(storage), asked }
}

const uploads = ['a.json', 'b.json', 'c.json'].map((path) => ({ path }) as Upload)

describe('what breaks off', () => {
  test('is tried again twice, whatever was asked', async () => {
    for (const ask of [
      (storage: Storage) => storage.stat('a.json', signal),
      (storage: Storage) => storage.get('a.json', { signal }),
      (storage: Storage) => storage.remove('a.json', null, signal),
      (storage: Storage) => storage.space!(signal),
      (storage: Storage) => storage.changes!(null, signal),
    ]) {
      const twice = scripted([failure('unavailable'), failure('unavailable')])
      await ask(twice.storage)
      expect(twice.asked).toHaveLength(3)
      const thrice = scripted([failure('unavailable'), failure('unavailable'), failure('unavailable')])
      await expect(ask(thrice.storage)).rejects.toMatchObject({ kind: 'unavailable' })
      expect(thrice.asked).toHaveLength(3)
    }
  })

  test('of several files is put again, and no other', async () => {
    const { storage, asked } = scripted([failure('unavailable')], ['b.json'])
    const results = await storage.put(uploads, signal)
    expect(results.map(({ outcome, path }) => `${path} ${outcome}`)).toEqual(['a.json stored', 'b.json stored', 'c.json stored'])
    expect(asked).toEqual(['a.json b.json c.json', 'a.json c.json'])
  })

  test('with a wait of a moment is tried again after it, of a longer one not', async () => {
    const began = Date.now()
    const short = scripted([failure('rate-limited', { retryAfterMs: 300 })])
    await short.storage.stat('a.json', signal)
    expect(Date.now() - began).toBeGreaterThanOrEqual(300)
    const long = scripted([failure('rate-limited', { retryAfterMs: 15_000 })], ['b.json'])
    expect((await long.storage.put(uploads, signal)).map(({ outcome }) => outcome)).toEqual(['failed', 'stored', 'failed'])
    expect(long.asked).toHaveLength(1)
  })

  test.each(['conflict', 'reconnect-required', 'storage-full', 'invalid', 'cancelled', 'unexpected'] as const)(
    'as %s is not tried again',
    async (kind) => {
      const { storage, asked } = scripted([failure(kind), failure(kind)])
      await expect(storage.stat('a.json', signal)).rejects.toMatchObject({ kind })
      expect((await storage.put(uploads, signal)).map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'failed'])
      expect(asked).toHaveLength(2)
    },
  )
})
