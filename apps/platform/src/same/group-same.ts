import type { SameBy } from '@asheville/clients'
import { likeness } from './sketch.ts'

/** An item that may be the same as others. */
export interface Candidate {
  key: string
  /** Network and account: of these no two items are the same. */
  account: string
  atMs: number | null
}

/** Two items that have something in common. */
export interface Pair {
  one: string
  other: string
  by: SameBy
  /** Of their texts; null: one says too little. */
  sketches: [readonly number[] | null, readonly number[] | null]
}

/** Why two are held for the same. */
export interface Tie {
  one: string
  other: string
  by: SameBy
  /** Between the two; null: one has no date. */
  apartMs: number | null
}

export const withinMs = 10 * 60_000
const ranks: readonly SameBy[] = ['link', 'files', 'words']
/** Texts that are less alike are others: no picture makes two posts one that say different things. */
const contradict = 0.3
const nearlyTheSame = 0.75

/**
 * Which items are the same, as groups of two at least: the surest pairs first, the nearest in time of equals; never two of one account,
 * nor what the person keeps apart (`one other`, sorted). The same items give the same groups, in whatever order they come.
 */
export function groupSame(
  candidates: readonly Candidate[],
  pairs: readonly Pair[],
  keptApart: ReadonlySet<string>,
): { keys: string[]; ties: Tie[] }[] {
  const byKey = new Map(candidates.map((candidate) => [candidate.key, candidate]))
  const ties = unique(pairs.flatMap((pair) => tieOf(pair, byKey)))
  const groups = new Map(candidates.map(({ key }) => [key, [key]]))
  for (const { one, other } of ties) {
    const [ours, theirs] = [groups.get(one)!, groups.get(other)!]
    if (ours === theirs || ours.some((key) => theirs.some((that) => areApart(key, that)))) continue
    const joined = [...ours, ...theirs]
    for (const key of joined) groups.set(key, joined)
  }
  return [...new Set(groups.values())]
    .filter((keys) => keys.length > 1)
    .map((keys) => ({ keys: keys.toSorted(), ties: ties.filter(({ one, other }) => keys.includes(one) && keys.includes(other)) }))
    .sort((one, other) => (one.keys[0]! < other.keys[0]! ? -1 : 1))

  function areApart(one: string, other: string): boolean {
    return byKey.get(one)!.account === byKey.get(other)!.account || keptApart.has(pairName(one, other))
  }
}

export function pairName(one: string, other: string): string {
  return [one, other].sort().join(' ')
}

function tieOf({ one, other, by, sketches: [ours, theirs] }: Pair, byKey: ReadonlyMap<string, Candidate>): Tie[] {
  const [from, to] = [byKey.get(one), byKey.get(other)]
  if (!from || !to || from.account === to.account) return []
  const apartMs = from.atMs === null || to.atMs === null ? null : Math.abs(from.atMs - to.atMs)
  const alike = ours && theirs ? likeness(ours, theirs) : null
  if (by === 'files' && alike !== null && alike < contradict) return []
  if (by === 'words' && (alike === null || alike < nearlyTheSame || apartMs === null || apartMs > withinMs)) return []
  const [first, second] = [one, other].sort() as [string, string]
  return [{ one: first, other: second, by, apartMs }]
}

/** The surest first. Each pair once, for the surest reason. */
function unique(ties: readonly Tie[]): Tie[] {
  const sorted = ties.toSorted(
    (one, other) =>
      ranks.indexOf(one.by) - ranks.indexOf(other.by) ||
      (one.apartMs ?? Number.MAX_VALUE) - (other.apartMs ?? Number.MAX_VALUE) ||
      (pairName(one.one, one.other) < pairName(other.one, other.other) ? -1 : 1),
  )
  const seen = new Set<string>()
  return sorted.filter(({ one, other }) => !seen.has(pairName(one, other)) && seen.add(pairName(one, other)))
}
