import { lower, type Figure } from './figures.ts'
import type { Verdict } from './harness/index.ts'

/** What the checker says of folders and index, as figures; the first findings are said aloud. */
export function judged(
  name: string,
  { counts, findings }: { counts: Pick<Verdict['counts'], 'items' | 'lost' | 'doubled' | 'differing'>; findings: Verdict['findings'] },
): Figure[] {
  for (const { kind, id, path, detail } of findings.slice(0, 20)) console.log(`${kind}: ${id ?? path ?? ''} ${detail}`)
  return [
    lower(`${name}-lost`, counts.lost, 'items', 0),
    lower(`${name}-doubled`, counts.doubled, 'items', 0),
    lower(`${name}-differing`, counts.differing, 'items', 0),
    lower(`${name}-findings`, findings.length, 'findings', 0),
    lower(`${name}-items`, counts.items, 'items'),
  ]
}
