import type { Database } from '@asheville/database'
import { keptApartOf, pairsOf } from '../queries/same.ts'
import { groupSame, pairName, type Candidate, type Pair, type Tie } from './group-same.ts'

/** Nobody posts the same in more places than that; what has so much in common has it by chance. */
const maxItems = 300

/** Of each of these items that has copies: the keys of all, its own too, and why. What has none is left out. */
export async function findSame(
  db: Database,
  userId: string,
  keys: readonly string[],
): Promise<Map<string, { keys: string[]; ties: Tie[] }>> {
  const candidates = new Map<string, Candidate>()
  const pairs: Pair[] = []
  let next = [...new Set(keys)]
  const asked = new Set<string>()
  while (next.length > 0 && asked.size < maxItems + keys.length) {
    const found = await pairsOf(db, userId, next)
    for (const key of next) asked.add(key)
    for (const candidate of found.candidates) candidates.set(candidate.key, candidate)
    pairs.push(...found.pairs)
    next = [...candidates.keys()].filter((key) => !asked.has(key)).sort()
  }
  if (pairs.length === 0) return new Map()
  const apart = await keptApartOf(db, userId, [...candidates.keys()])
  const groups = groupSame([...candidates.values()], pairs, new Set(apart.map(({ one, other }) => pairName(one, other))))
  const wanted = new Set(keys)
  return new Map(groups.flatMap((group) => group.keys.filter((key) => wanted.has(key)).map((key) => [key, group] as const)))
}
