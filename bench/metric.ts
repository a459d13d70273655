import type { Figure } from '@asheville/e2e/figures.ts'
import { checkScene, type Scene } from '@asheville/e2e/scene.ts'

export interface Scale {
  /** Smaller numbers, for trying out; the goals stay. */
  quick: boolean
}

/** Measures with everything running as it does for people. Throws when what was copied is not right: then its figures mean nothing. */
export interface Metric {
  name: string
  measure(scale: Scale): Promise<Figure[]>
}

/** Throws unless folder and index are what the simulated server says these accounts have, `alice` unless said otherwise. */
export async function requireRight(scene: Scene, accounts?: readonly string[]): Promise<void> {
  const { ok, findings } = await checkScene(scene, accounts)
  if (!ok) throw new Error(`The copy is not right: ${findings.length} findings, the first ${JSON.stringify(findings[0])}`)
}

/** Throws unless the sync ended well. */
export function requireDone({ state }: { state: string }): void {
  if (state !== 'done') throw new Error(`The sync ended as ${state}`)
}
