import type { Page } from '@asheville/core'
import { gather } from './gather.ts'

/** What may be read of a network that charges for it. */
export interface Reads {
  /** Counts what a page cost: before it resolves where there is a bound or counting has failed, else soon. */
  charge(reads: number): Promise<void>
  /** Resolves when everything is counted. Throws what kept it from that. */
  counted(): Promise<void>
  /** Somebody said how much may be read. */
  readonly areBounded: boolean
  readonly areUsedUp: boolean
}

/** Where nobody said how much may be read, what comes within this time is counted together. */
const gatherMs = 100

/**
 * `left`: how much may be read, null: any number; `count` tells accounts of a page's cost, and answers what is left then, for
 * other streams of the connection read too.
 */
export function createReads(left: number | null, count: (reads: number) => Promise<number | null>): Reads {
  let rest = left
  let hasFailed = false
  let counting = Promise.resolve()
  const together = gather<number, number | null>(
    async (costs) => {
      const answer = await count(costs.reduce((sum, cost) => sum + cost, 0))
      return costs.map(() => answer)
    },
    { ms: gatherMs, most: Infinity },
  )

  return {
    async charge(reads) {
      if (reads === 0) return
      const isBounded = rest !== null
      const one = (isBounded ? count : together)(reads).then((answer) => {
        rest = answer
      })
      counting = Promise.all([counting, one]).then(() => undefined)
      counting.catch(() => (hasFailed = true))
      if (isBounded || hasFailed) await counting
    },
    counted: () => counting,
    get areBounded() {
      return rest !== null
    },
    get areUsedUp() {
      return rest !== null && rest <= 0
    },
  }
}

/**
 * The pages, as long as anything may be read. Each is counted whatever becomes of it here, as it is charged for all the same; where there is a
 * bound, before the next is asked for. So nothing that pulls ahead passes the bound by more than the page that reaches it, nor do walks side by side:
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
