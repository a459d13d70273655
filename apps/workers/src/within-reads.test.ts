import { describe, expect, test } from '@jest/globals'
import type { Page } from '@asheville/core'
import { defaultLimits, inBatches } from './batches.ts'
import { prefetch } from './prefetch.ts'
import { createReads, withinReads } from './within-reads.ts'

/** Accounts, with a bound that other streams read of too. */
function accountsWith(bound: number | null) {
  const told: number[] = []
  const state = { read: 0 }
  const left = () => (bound === null ? null : Math.max(0, bound - state.read))
  const count = (reads: number) => {
    told.push(reads)
    state.read += reads
    return Promise.resolve(left())
  }
  return { told, state, reads: createReads(left(), count) }
}

/** So many pages of 100 records each; `pulled` tells how many of them were asked for. */
function startPages(pages: number, reads: number | null = 100) {
  const state = { pulled: 0, isEnded: false }
  async function* list(): AsyncGenerator<Page> {
    try {
      for (let page = 1; page <= pages; page += 1) {
        state.pulled += 1
        const cursor = page === pages ? null : String(page)
        yield { items: [], gone: [], skipped: [], cursor, ...(reads !== null && { reads }) }
      }
    } finally {
      state.isEnded = true
    }
  }
  return { state, list }
}

describe('withinReads', () => {
  test('stops after the page that reaches the bound, however far ahead it is pulled', async () => {
    const { told, reads } = accountsWith(250)
    const { state, list } = startPages(10)
    let cursor: string | null = ''
    for await (const batch of prefetch(inBatches(withinReads(list(), reads), 'backfill', defaultLimits))) cursor = batch.cursor
    expect(cursor).toBe('3')
    expect(told).toEqual([100, 100, 100])
    expect(state).toEqual({ pulled: 3, isEnded: true })
    expect(reads.areUsedUp).toBe(true)
    // Nor is the next walk begun with.
    for await (const _ of withinReads(list(), reads)) throw new Error('It pulled')
    expect(state.pulled).toBe(3)
  })

  test('what other streams read counts, at most a page later', async () => {
    const { state, reads } = accountsWith(1000)
    const { state: pages, list } = startPages(10)
    for await (const page of withinReads(list(), reads)) if (page.cursor === '2') state.read += 800
    expect(pages.pulled).toBe(3)
  })

  test('a page that is not used is counted all the same', async () => {
    const { told, reads } = accountsWith(null)
    const { list } = startPages(10)
    for await (const _ of withinReads(list(), reads)) break
    await reads.counted()
    expect(told).toEqual([100])
    expect(reads.areUsedUp).toBe(false)
  })

  test('without a bound, pages are counted together and nobody waits for it; a bound that was set meanwhile is heeded', async () => {
    const { told, reads } = accountsWith(null)
    const { list } = startPages(10)
    for await (const _ of withinReads(list(), reads)) continue
    expect(told).toEqual([])
    await reads.counted()
    expect(told).toEqual([1000])

    const changed = createReads(null, () => Promise.resolve(50))
    await changed.charge(100)
    expect(changed.areBounded).toBe(false)
    await changed.counted()
    expect([changed.areBounded, changed.areUsedUp]).toEqual([true, false])
  })

  test('what cannot be counted stops it', async () => {
    const { state, list } = startPages(10)
    const reads = createReads(null, () => Promise.reject(new Error('Accounts is away')))
    const first = reads.charge(100)
    await expect(reads.counted()).rejects.toThrow('away')
    await first
    const pull = async () => {
      for await (const _ of withinReads(list(), reads)) continue
    }
    await expect(pull()).rejects.toThrow('away')
    expect(state).toEqual({ pulled: 1, isEnded: true })
  })

  test('what costs nothing is pulled to its end and asks nobody', async () => {
    const { told, reads } = accountsWith(1)
    const { state, list } = startPages(10, null)
    for await (const _ of withinReads(list(), reads)) continue
    expect([state.pulled, told]).toEqual([10, []])
  })
})
