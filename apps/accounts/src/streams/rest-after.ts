import type { Context } from '../context.ts'
import type { DoneFacts } from '../queries/paces.ts'
import { boundsOf } from './bounds-of.ts'
import { nextDueMs } from './next-due.ts'
import { learn } from './pace.ts'

/** What is to be kept of a stream that was pulled to its end. */
export interface Rest {
  gapMs: number | null
  /** It had something new, or was pulled to its end for the first time. */
  hasNews: boolean
  nextDueMs: number
}

export function restAfter(context: Pick<Context, 'syncIntervalMs'>, facts: DoneFacts): Rest {
  const pace = learn(facts, facts.news)
  return { gapMs: pace.gapMs, hasNews: pace.silentMs === 0, nextDueMs: nextDueMs(pace, boundsOf(context, facts), facts.isHinted) }
}
