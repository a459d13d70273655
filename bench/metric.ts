import { checkCopy, faultCount, mastodonTruth } from '@asheville/e2e/check-copy.ts'
import type { Figure } from '@asheville/e2e/figures.ts'
import { storedFiles } from '@asheville/e2e/instance.ts'
import type { Scene } from '@asheville/e2e/scene.ts'

export interface Scale {
  /** Smaller numbers, for trying out; the goals stay. */
  quick: boolean
}

/** Measures with everything running as it does for people. Throws when what was copied is not right: then its figures mean nothing. */
export interface Metric {
  name: string
  measure(scale: Scale): Promise<Figure[]>
}

/** The person's files, after they were compared with what the simulated server says its account published. */
export async function checkedFiles({ instance, mastodon, person }: Scene, account = 'alice'): Promise<Map<string, Buffer>> {
  const files = await storedFiles(instance, person.userId)
  const faults = checkCopy(files, mastodonTruth(mastodon.truth()[account]!))
  if (faultCount(faults) > 0) {
    const counts = Object.entries(faults).flatMap(([fault, { length }]) => (length > 0 ? [`${fault}: ${length}`] : []))
    throw new Error(`The copy is not right (${counts.join(', ')})`)
  }
  return files
}

/** Throws unless the sync ended well. */
export function requireDone({ state }: { state: string }): void {
  if (state !== 'done') throw new Error(`The sync ended as ${state}`)
}
