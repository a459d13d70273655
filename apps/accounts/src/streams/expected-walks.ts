import type { Stream, WalkKind } from '@asheville/core'
import type { SyncStart } from '@asheville/clients'

/** Where a stream stands, as the next sync of it finds it. */
export interface Place {
  /** By which version of the adapter it was pulled last. */
  version: number
  hasHead: boolean
  /** The kinds of the walks that an earlier sync left unfinished. */
  open: readonly WalkKind[]
}

/**
 * What a sync would walk, in the order in which it is done; null: the stream was never pulled. What an adapter looks through again besides, it
 * decides by itself.
 */
export function expectedWalks({ version }: Pick<Stream, 'version'>, place: Place | null, from: SyncStart): WalkKind[] {
  if (from === 'scratch' || place === null || place.version < version) return ['backfill']
  const kinds = new Set<WalkKind>(place.open)
  if (place.hasHead) kinds.add('incremental')
  else if (kinds.size === 0) kinds.add('backfill')
  return (['incremental', 'backfill', 'recheck'] as const).filter((kind) => kinds.has(kind))
}
