import { describe, expect, test } from '@jest/globals'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import type { Page } from '@asheville/core'
import { defaultLimits, inBatches } from './batches.ts'
import { prefetch } from './prefetch.ts'

/** A page of two items. */
function pageOf(number: number): Page {
  const items = ['a', 'b'].map((letter) => {
    const id = `${number}${letter}`
    return { id, contentType: 'posts' as const, at: null, object: { id, type: 'Note' }, media: [], raw: null }
  })
  return { items, gone: [], skipped: [], cursor: String(number) }
}

/** The count once it has not grown for a hundred turns. */
async function atRest(count: () => number): Promise<number> {
  for (let turns = 0, last = count(); ; turns++) {
    await nextTurn()
    if (count() !== last) [turns, last] = [0, count()]
    if (turns === 100) return last
  }
}

describe('prefetch', () => {
  test('asks for the next value while the last is worked on, and never for two', async () => {
    const asked: number[] = []
    async function* source() {
      for (let value = 1; value <= 4; value += 1) {
        asked.push(value)
        yield value
      }
    }
    const seen: [number, number][] = []
    for await (const value of prefetch(source())) {
      await delay(1)
      seen.push([value, asked.length])
    }
    expect(seen).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 4],
    ])
  })

  test('a storage that does not come to an end holds back what is asked of the network: one batch and one page ahead, however long the history', async () => {
    let asked = 0
    async function* history(): AsyncGenerator<Page> {
      for (; asked < 1000;) yield pageOf((asked += 1))
    }
    const limits = { ...defaultLimits, items: 10, firstMs: 1e6, ms: 1e6 }
    const ahead: number[] = []
    let stored = 0
    for await (const batch of prefetch(inBatches(history(), 'backfill', limits))) {
      // The storage answers only once nothing more is asked for.
      if (stored < 10) ahead.push((await atRest(() => asked)) - stored)
      stored += batch.pages
      if (stored >= 100) break
    }
    // Five pages are being stored, five wait for it, and one more is there.
    expect(Math.max(...ahead)).toBeLessThanOrEqual(11)
    expect(asked).toBeLessThanOrEqual(111)
  })

  test('both sides work at the same time', async () => {
    let isMaking = false
    let together = 0
    async function* source() {
      for (let value = 0; value < 8; value += 1) {
        isMaking = true
        await delay(20)
        isMaking = false
        yield value
      }
    }
    for await (const _ of prefetch(source())) {
      await delay(5)
      if (isMaking) together += 1
    }
    expect(together).toBe(7)
  })

  test('an error comes after the values before it, and is not unhandled meanwhile', async () => {
    async function* source() {
      yield 1
      throw new Error('broken')
    }
    const seen: number[] = []
    const run = async () => {
      for await (const value of prefetch(source())) {
        await delay(5)
        seen.push(value)
      }
    }
    await expect(run()).rejects.toThrow('broken')
    expect(seen).toEqual([1])
  })

  test('ending early ends the source', async () => {
    let isEnded = false
    async function* source() {
      try {
        yield 1
        yield 2
        yield 3
      } finally {
        isEnded = true
      }
    }
    for await (const _ of prefetch(source())) break
    expect(isEnded).toBe(true)
  })
})
