import { describe, expect, test } from '@jest/globals'
import type { Page } from '@asheville/core'
import { createSlice, withinSlice } from './slice.ts'

function endless() {
  const asked: number[] = []
  async function* pages(): AsyncGenerator<Page> {
    for (let number = 1; ; number += 1) {
      asked.push(number)
      yield { items: [], gone: [], skipped: [], cursor: number < 50 ? String(number) : null }
    }
  }
  return { asked, pages: pages() }
}

async function count(pages: AsyncIterable<Page>): Promise<number> {
  let total = 0
  for await (const _ of pages) total += 1
  return total
}

describe('slice', () => {
  test('ends after its pages when somebody waits, without asking for one that nobody takes', async () => {
    const { asked, pages } = endless()
    expect(
      await count(
        withinSlice(
          pages,
          createSlice({ pages: 5, ms: 60_000, longestMs: 60_000 }, () => Promise.resolve(true)),
        ),
      ),
    ).toBe(5)
    expect(asked).toHaveLength(5)
  })

  test('goes on to the end of the walk while nobody waits', async () => {
    const { asked, pages } = endless()
    expect(
      await count(
        withinSlice(
          pages,
          createSlice({ pages: 5, ms: 60_000, longestMs: 60_000 }, () => Promise.resolve(false)),
        ),
      ),
    ).toBe(50)
    expect(asked).toHaveLength(50)
  })

  test('ends by time', async () => {
    expect(
      await count(
        withinSlice(
          endless().pages,
          createSlice({ pages: 1000, ms: 0, longestMs: 60_000 }, () => Promise.resolve(true)),
        ),
      ),
    ).toBe(1)
  })

  test('ends in any case when it has gone on for long', async () => {
    const slice = createSlice({ pages: 5, ms: 60_000, longestMs: 0 }, () => Promise.resolve(false))
    expect(await count(withinSlice(endless().pages, slice))).toBe(5)
  })
})
