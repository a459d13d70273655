import { expect } from '@jest/globals'
import type { PullIo, Stream } from '@asheville/core'
import fc from 'fast-check'
import type { StreamScript } from './network-world.ts'
import { createReference } from './reference-sync.ts'

/** Something that happens at the vendor, or a sync that dies after so many pages. */
export type Step = { do: 'add'; share: number } | { do: 'edit' | 'remove' | 'late' } | { do: 'sync'; pages: number }

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('add' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('edit' as const, 'remove' as const, 'late' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('sync' as const), pages: fc.integer({ min: 0, max: 4 }) }) },
  ),
  { minLength: 3, maxLength: 9 },
)

/**
 * Plays the steps and then syncs to the end: what the vendor still has must be stored, nothing of it may be taken for gone, and
 * with nothing new nothing comes.
 */
export async function play(stream: Stream, script: StreamScript, io: PullIo, played: readonly Step[]): Promise<void> {
  const reference = createReference(stream)
  const removed = new Set<string>()
  let count = 0
  let isLateUsed = false
  for (const step of played) {
    switch (step.do) {
      case 'add': {
        const more = 1 + Math.floor(step.share * script.many * 0.6)
        await script.add(more)
        count += more
        break
      }
      case 'edit':
        if (count > 0) await script.edit?.()
        break
      case 'remove': {
        const id = count > 0 ? await script.remove?.() : undefined
        if (id === undefined) break
        removed.add(id)
        count -= 1
        break
      }
      case 'late':
        // Once, right below the newest: twice in the same place would be the same item.
        if (count === 0 || !script.addLate || isLateUsed) break
        await script.addLate()
        isLateUsed = true
        count += 1
        break
      case 'sync':
        await reference.sync(io, { pages: step.pages })
    }
  }
  await reference.sync(io)
  await reference.sync(io)
  expect([...reference.stored.keys()].filter((id) => !removed.has(id))).toHaveLength(count)
  expect([...reference.gone].filter((id) => !removed.has(id))).toEqual([])
  const { items, gone } = await reference.sync(io)
  expect({ items, gone }).toEqual({ items: [], gone: [] })
}
