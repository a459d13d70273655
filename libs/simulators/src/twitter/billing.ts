import type { Counters } from '../kit/index.ts'

/** What the app pays for (docs.x.com: usage and billing): a post counts once in a UTC day, however often it is read; posts that only come along in `includes` do not. */
export function createBilling(monthlyCap: number | null, now: () => number, counters: () => Counters) {
  const seen = new Set<string>()
  let [day, month, monthReads, cap, isForced] = ['', '', 0, monthlyCap, false]
  const turn = () => {
    const today = new Date(now()).toISOString().slice(0, 10)
    if (today === day) return
    seen.clear()
    day = today
    if (month !== today.slice(0, 7)) [month, monthReads] = [today.slice(0, 7), 0]
  }
  const charge = (kind: 'posts' | 'users', ids: readonly string[]) => {
    turn()
    let fresh = 0
    for (const id of ids) {
      if (seen.has(`${kind}${id}`)) continue
      seen.add(`${kind}${id}`)
      fresh++
    }
    if (kind === 'posts') monthReads += fresh
    counters().add(`${kind}Read`, fresh)
    counters().add(`${kind}Returned`, ids.length)
  }
  return {
    charge,
    isCapped() {
      turn()
      return isForced || (cap !== null && monthReads >= cap)
    },
    /** Posts that the app has read this month. */
    readThisMonth() {
      turn()
      return monthReads
    },
    setCap: (next: number | null) => void (cap = next),
    force: (capped: boolean) => void (isForced = capped),
  }
}
export type Billing = ReturnType<typeof createBilling>
