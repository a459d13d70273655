import type { Page } from '@asheville/core'

/** What may be read of a network that charges for it. */
export interface Reads {
  /** Counts what a page cost. */
  charge(reads: number): Promise<void>
  /** Somebody said how much may be read. */
  readonly areBounded: boolean
  readonly areUsedUp: boolean
}

/**
 * `left`: how much may be read, null: any number; `count` tells accounts of a page's cost, and answers what is left then, for
 * other streams of the connection read too.
 */
export function createReads(left: number | null, count: (reads: number) => Promise<number | null>): Reads {
  let rest = left
  return {
    async charge(reads) {
      if (reads > 0) rest = await count(reads)
    },
    get areBounded() {
      return rest !== null
    },
    get areUsedUp() {
      return rest !== null && rest <= 0
    },
  }
}

/**
 * The pages, as long as anything may be read. Each is counted as soon as it is there and before the next is asked for, whatever becomes
 * of it here: it is charged for all the same. So nothing that pulls ahead passes the bound by more than the page that reaches it, nor do walks side by side:
 * where there is a bound, only the first goes on.
 */
export async function* withinReads(pages: AsyncIterable<Page>, reads: Reads, isFirst = true): AsyncGenerator<Page, void, undefined> {
  const mayRead = () => !reads.areUsedUp && (isFirst || !reads.areBounded)
  if (!mayRead()) return
  for await (const page of pages) {
    await reads.charge(page.reads ?? 0)
    yield page
    if (!mayRead()) return
  }
}
