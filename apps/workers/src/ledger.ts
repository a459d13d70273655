import type { Quiet, Tally } from '@asheville/clients'
import type { SkippedItem, Walk } from '@asheville/core'
import type { Batch } from './batches.ts'
import type { HeldLease } from './held-lease.ts'
import type { AccountsClient, Target } from './pull-parts.ts'

/** A batch that is safely stored. */
export interface Stored extends Pick<Batch, 'cursor' | 'head' | 'pages' | 'available'> {
  tally: Tally
  /** The last few. */
  skipped: SkippedItem[]
  hasPendingMedia: boolean
}

/** What a slice plans and has stored, for accounts: told at once, except for what can be found out again at no cost. */
export interface Ledger {
  /** `replaces`: walks whose cursors have expired. */
  plan(walks: readonly Walk[], replaces: readonly string[]): Promise<void>
  /** Moves the walk's checkpoint. */
  checkpoint(walk: Walk, stored: Stored): Promise<void>
  /** What was kept back: goes with the lease when it is returned. */
  readonly quiet: Quiet | undefined
}

interface LedgerParts {
  accounts: Pick<AccountsClient, 'saveCheckpoint' | 'savePlan'>
  target: Target
  lease: HeldLease
  /** Called before accounts is told something. */
  onTold(): void
}

/**
 * An incremental walk that is complete without having brought anything costs no call of its own, neither for its plan nor for its checkpoint: if we die before
 * the lease is returned, it is planned again from the same head.
 */
export function createLedger({ accounts, target, lease, onTold }: LedgerParts): Ledger {
  const { context, connectionId, stream, fence } = target
  const call = { ...context, params: { connectionId, stream } }
  let untold: Walk | null = null
  let telling: Promise<void> | null = null
  let quiet: Quiet | undefined

  async function savePlan(walks: readonly Walk[], replaces: readonly string[]): Promise<void> {
    lease.check()
    onTold()
    const askedAt = performance.now()
    const body = { fence, walks: [...walks], replaces: [...replaces] }
    lease.renewed(await accounts.savePlan({ ...call, body, signal: lease.signal }), askedAt)
  }

  /** Walks are pulled side by side: whoever comes while the plan is on its way waits for it. */
  async function tell(): Promise<void> {
    if (untold) {
      telling = savePlan([untold], [])
      untold = null
    }
    await telling
  }

  return {
    get quiet() {
      return quiet
    },

    async plan(walks, replaces) {
      const [walk] = walks
      if (replaces.length === 0 && walks.length <= 1 && (!walk || walk.kind === 'incremental')) {
        if (walk) untold = walk
        else quiet = { head: null, pages: 0, available: {} }
        return
      }
      if (untold && replaces.includes(untold.id)) untold = null
      await tell()
      await savePlan(walks, replaces)
    },

    async checkpoint(walk, { head, cursor, pages, available, ...stored }) {
      if (walk.id === untold?.id && cursor === null && isNothing(stored)) {
        untold = null
        quiet = { head, pages, available }
        return
      }
      await tell()
      lease.checkHeld()
      onTold()
      const askedAt = performance.now()
      const body = { fence, walkId: walk.id, cursor, head, pages, available, ...stored }
      lease.renewed(await accounts.saveCheckpoint({ ...call, body, signal: lease.lost }), askedAt)
    },
  }
}

function isNothing({ tally, hasPendingMedia }: Pick<Stored, 'tally' | 'hasPendingMedia'>): boolean {
  return !hasPendingMedia && Object.values(tally).every((count) => count === 0)
}
