import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Walk } from '@asheville/core'
import type { HeldLease } from './held-lease.ts'
import { createLedger, type Ledger, type Stored } from './ledger.ts'
import type { Target } from './pull-parts.ts'

const none = { new: 0, changed: 0, unchanged: 0, gone: 0, skipped: 0 }
const walk = (id: string, kind: Walk['kind']): Walk => ({ id, kind, range: { from: null, to: null }, cursor: null })
const incremental = walk('incremental', 'incremental')
const backfill = walk('backfill', 'backfill')
const stored = (some: Partial<Stored> = {}): Stored => ({
  cursor: null,
  head: 'h1',
  pages: 1,
  available: { posts: 7 },
  tally: none,
  skipped: [],
  hasPendingMedia: false,
  ...some,
})

let told: string[]
let ledger: Ledger
beforeEach(() => {
  told = []
  const reply = { expiresAt: new Date().toISOString(), mustStop: false }
  const lease: Pick<HeldLease, 'check' | 'checkHeld' | 'renewed'> = {
    check: () => undefined,
    checkHeld: () => undefined,
    renewed: () => undefined,
  }
  ledger = createLedger({
    accounts: {
      savePlan({ body }) {
        told.push(`plan ${body.walks.map(({ id }) => id).join()}${body.replaces.map((id) => ` for ${id}`).join()}`)
        return Promise.resolve(reply)
      },
      saveCheckpoint({ body }) {
        told.push(`checkpoint ${body.walkId} ${body.cursor}`)
        return Promise.resolve(reply)
      },
    },
    target: { context: { userId: 'u', requestId: 'r' }, fence: 1 } as Target,
    lease: lease as HeldLease,
    onTold: () => undefined,
  })
})

describe('what goes with the lease', () => {
  test('an incremental walk that brought nothing', async () => {
    await ledger.plan([incremental], [])
    expect(ledger.quiet).toBeUndefined()
    await ledger.checkpoint(incremental, stored())
    expect(told).toEqual([])
    expect(ledger.quiet).toEqual({ head: 'h1', pages: 1, available: { posts: 7 } })
  })

  test('a plan of nothing', async () => {
    await ledger.plan([], [])
    expect(ledger.quiet).toEqual({ head: null, pages: 0, available: {} })
  })

  test('also when an older walk goes on after it', async () => {
    await ledger.plan([incremental], [])
    await ledger.checkpoint(incremental, stored())
    await ledger.checkpoint(backfill, stored({ cursor: 'c1', tally: { ...none, new: 3 } }))
    expect(told).toEqual(['checkpoint backfill c1'])
    expect(ledger.quiet).toMatchObject({ head: 'h1' })
  })
})

describe('what is told at once', () => {
  test('a backfill, before anything of it is pulled', async () => {
    await ledger.plan([backfill], [])
    expect(told).toEqual(['plan backfill'])
  })

  test.each<[string, Partial<Stored>]>([
    ['brought something', { tally: { ...none, changed: 1 } }],
    ['skipped something', { tally: { ...none, skipped: 1 } }],
    ['left files to be tried again', { hasPendingMedia: true }],
    ['goes on', { cursor: 'c1' }],
  ])('an incremental walk that %s, with its plan', async (_, some) => {
    await ledger.plan([incremental], [])
    await ledger.checkpoint(incremental, stored(some))
    expect(told).toEqual(['plan incremental', `checkpoint incremental ${some.cursor ?? null}`])
    await ledger.checkpoint(incremental, stored())
    expect(told).toHaveLength(3)
    expect(ledger.quiet).toBeUndefined()
  })

  test('a walk in the place of one whose cursor has expired', async () => {
    await ledger.plan([incremental], [])
    await ledger.plan([incremental], ['incremental'])
    await ledger.checkpoint(incremental, stored())
    expect(told).toEqual(['plan incremental for incremental', 'checkpoint incremental null'])
  })
})
