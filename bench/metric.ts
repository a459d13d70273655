import type { Figure } from '@asheville/e2e/figures.ts'
import type { Verdict } from '@asheville/e2e/harness/index.ts'
import { checkPair, type Pair } from '@asheville/e2e/pair.ts'
import { checkScene, type Scene } from '@asheville/e2e/scene.ts'

export interface Scale {
  /** Smaller numbers, for trying out; the goals stay. */
  quick: boolean
}

/** Measures with everything running as it does for people. Throws when what was copied is not right: then its figures mean nothing. */
export interface Metric {
  name: string
  /** Takes what not every machine has: measured only when it is named. */
  isNamedAlone?: true
  measure(scale: Scale): Promise<Figure[]>
}

/** Throws unless folder and index are what the simulated server says these accounts have, `alice` unless said otherwise. */
export async function requireRight(scene: Scene, accounts?: readonly string[]): Promise<void> {
  required(await checkScene(scene, accounts))
}

/** The same of a network and a storage, whichever they are; answers what was counted. */
export async function requireRightPair(pair: Pair, accounts: readonly string[]): Promise<Verdict> {
  return required(await checkPair(pair, accounts))
}

function required(verdict: Verdict): Verdict {
  const { ok, findings } = verdict
  if (!ok) throw new Error(`The copy is not right: ${findings.length} findings, the first ${JSON.stringify(findings[0])}`)
  return verdict
}

/** Throws unless the sync ended well. */
export function requireDone({ state }: { state: string }): void {
  if (state !== 'done') throw new Error(`The sync ended as ${state}`)
}
