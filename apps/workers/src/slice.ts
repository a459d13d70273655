import type { Page } from '@asheville/core'

export interface SliceLimits {
  pages: number
  ms: number
  /** However few wait: others of the same person may, who are on no queue, and the network may have been paused. */
  longestMs: number
}

export const defaultSlice: SliceLimits = { pages: 20, ms: 10_000, longestMs: 30_000 }

/** How long a job may go on before it lets others have the worker. */
export interface Slice {
  /** Counts a page; resolves to false once the slice is used up and somebody waits. */
  mayGoOn(): Promise<boolean>
  /** It is over, whoever waits. */
  end(): void
}

/**
 * A used-up slice is prolonged for a while when nobody waits for the worker: making way for nobody would only cost time. It begins with its first page: before
 * that, one may have stood in line.
 */
export function createSlice(limits: SliceLimits, hasWaiting: () => Promise<boolean>): Slice {
  let pages = 0
  let begun: number | null = null
  let started = 0
  let isOver = false
  return {
    async mayGoOn() {
      if (isOver) return false
      pages += 1
      if (begun === null) started = begun = performance.now()
      if (pages < limits.pages && performance.now() - started < limits.ms) return true
      if (performance.now() - begun >= limits.longestMs || (await hasWaiting())) return false
      pages = 0
      started = performance.now()
      return true
    },
    end: () => (isOver = true),
  }
}

/** The pages up to the slice's end. The next page is not even asked for then, so that nothing is pulled twice. */
export async function* withinSlice(pages: AsyncIterable<Page>, slice: Slice): AsyncGenerator<Page, void, undefined> {
  for await (const page of pages) {
    yield page
    if (page.cursor === null || !(await slice.mayGoOn())) return
  }
}
