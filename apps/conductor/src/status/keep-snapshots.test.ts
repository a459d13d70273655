import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { createSnapshots } from './keep-snapshots.ts'

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick'] }))
afterEach(() => void jest.useRealTimers())

/** Each reading answers its number and for whom it was. */
function setUp() {
  const changes = new Map<string, () => void>()
  const snapshots = createSnapshots<string>((userId, onChange) => {
    changes.set(userId, onChange)
    return () => changes.delete(userId)
  })
  let readings = 0
  const get = (userId: string, fresh = false) => snapshots.get(userId, async () => `${(readings += 1)} of ${userId}`, { fresh })
  return { snapshots, changes, get }
}

describe('a snapshot', () => {
  test('is answered for a second, to the one whose it is', async () => {
    const { get } = setUp()
    expect(await Promise.all([get('ann'), get('ann'), get('bob'), get('ann')])).toEqual(['1 of ann', '1 of ann', '2 of bob', '1 of ann'])
    jest.advanceTimersByTime(999)
    expect(await get('ann')).toBe('1 of ann')
    jest.advanceTimersByTime(1)
    expect(await get('ann')).toBe('3 of ann')
  })

  test('is none any more once something has happened, be it while it was read', async () => {
    const { changes, get } = setUp()
    const first = get('ann')
    changes.get('ann')!()
    expect(await get('ann')).toBe('2 of ann')
    expect([await first, await get('ann')]).toEqual(['1 of ann', '2 of ann'])
    changes.get('ann')!()
    expect(await get('ann')).toBe('3 of ann')
  })

  test('is read anew for whoever wants it fresh, and kept for the others', async () => {
    const { get } = setUp()
    await get('ann')
    expect([await get('ann', true), await get('ann')]).toEqual(['2 of ann', '2 of ann'])
  })

  test('that failed is not kept', async () => {
    const { snapshots, get } = setUp()
    await expect(snapshots.get('ann', () => Promise.reject(new Error('away')), { fresh: false })).rejects.toThrow('away')
    expect(await get('ann')).toBe('1 of ann')
  })

  test('and whose it is are forgotten half a minute after they last asked', async () => {
    const { changes, get } = setUp()
    await get('ann')
    jest.advanceTimersByTime(20_000)
    await get('ann')
    jest.advanceTimersByTime(29_000)
    expect(changes.has('ann')).toBe(true)
    jest.advanceTimersByTime(1000)
    expect(changes.has('ann')).toBe(false)
    expect(await get('ann')).toBe('3 of ann')
    expect(changes.has('ann')).toBe(true)
  })

  test('more people than can be listened to are read each time', async () => {
    const { changes, get } = setUp()
    for (let index = 0; index < 5000; index += 1) await get(`${index}`)
    expect([await get('late'), await get('late')]).toEqual(['5001 of late', '5002 of late'])
    expect(changes.size).toBe(5000)
    expect(await get('0')).toBe('1 of 0')
  })
})
