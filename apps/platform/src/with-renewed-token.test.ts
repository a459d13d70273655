import { AshevilleError, type Storage, type StoredFile, type Upload } from '@asheville/core'
import { describe, expect, test } from '@jest/globals'
import { withRenewedToken } from './with-renewed-token.ts'

const { signal } = new AbortController()
const refused = () => new AshevilleError('reconnect-required', 'Refused')
const file: StoredFile = { path: 'a.json', bytes: 1, revision: '1', modified: null }

/** A storage that refuses the first token it sees, and a token that can be renewed so often. */
function scripted(renewals: number) {
  let isOld = true
  let left = renewals
  const asked: string[] = []
  const answer = <T>(name: string, value: T): Promise<T> => {
    asked.push(name)
    return isOld ? Promise.reject(refused()) : Promise.resolve(value)
  }
  const storage = {
    can: { conditional: true, batch: 1, range: true, maxBytes: 1, hash: null },
    put: async (files: Upload[]) => {
      asked.push(`put ${files.length}`)
      return files.map(({ path }) =>
        isOld && path !== 'early.json'
          ? { outcome: 'failed' as const, path, error: refused() }
          : { outcome: 'stored' as const, path, revision: '1' },
      )
    },
    get: () => answer('get', null),
    stat: () => answer('stat', file),
    async *list() {
      yield await answer('list', file)
    },
    remove: () => answer('remove', undefined),
  } as unknown as Storage
  const token = {
    reject() {
      if (left === 0) return false
      left -= 1
      isOld = false
      return true
    },
  }
  return { storage: withRenewedToken(storage, token), asked }
}

describe('a token that is refused', () => {
  test('is renewed, and what was asked is asked once more', async () => {
    for (const ask of [
      (storage: Storage) => storage.stat('a.json', signal),
      (storage: Storage) => storage.get('a.json', { signal }),
      (storage: Storage) => storage.remove('a.json', null, signal),
      async (storage: Storage) => {
        for await (const one of storage.list('', signal)) expect(one).toEqual(file)
      },
    ]) {
      const { storage, asked } = scripted(1)
      await ask(storage)
      expect(asked).toHaveLength(2)
    }
  })

  test('of several files only those that it kept back are sent again, and the outcomes keep their order', async () => {
    const { storage, asked } = scripted(1)
    const files = ['one.json', 'early.json', 'two.json'].map((path) => ({ path })) as Upload[]
    const results = await storage.put(files, signal)
    expect(results.map(({ path, outcome }) => `${path} ${outcome}`)).toEqual(['one.json stored', 'early.json stored', 'two.json stored'])
    expect(asked).toEqual(['put 3', 'put 2'])
  })

  test('that cannot be renewed is told', async () => {
    const { storage, asked } = scripted(0)
    await expect(storage.stat('a.json', signal)).rejects.toMatchObject({ kind: 'reconnect-required' })
    expect((await storage.put([{ path: 'one.json' } as Upload], signal))[0]).toMatchObject({ outcome: 'failed' })
    expect(asked).toEqual(['stat', 'put 1'])
  })

  test('whatever a storage can do, it can do through this', () => {
    const all = ['can', 'put', 'get', 'stat', 'list', 'remove', 'removeAll', 'space', 'changes']
    const storage = Object.fromEntries(all.map((name) => [name, () => undefined])) as unknown as Storage
    expect(Object.keys(withRenewedToken(storage, { reject: () => false })).sort()).toEqual(all.sort())
  })
})
