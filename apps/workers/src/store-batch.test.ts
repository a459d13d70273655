import { describe, expect, test } from '@jest/globals'
import { AshevilleError, type PullIo, type Stream, type Walk } from '@asheville/core'
import type { Batch } from './batches.ts'
import type { HeldLease } from './held-lease.ts'
import type { Target } from './pull-parts.ts'
import { storeBatch, type StoreParts } from './store-batch.ts'

const walk: Walk = { id: 'backfill', kind: 'backfill', range: { from: null, to: null }, cursor: null }
const none = { new: 0, changed: 0, unchanged: 0, gone: 0, skipped: [] }

/** A network that answers so many questions about what is gone and then asks to wait, and a storage that holds what is not marked yet. */
function startParts({ stored, limit, isGone }: { stored: string[]; limit: number; isGone: (id: string) => boolean }) {
  const marked = new Set<string>()
  const saved: { skipped: unknown[] }[] = []
  let left = limit
  const stream: Pick<Stream, 'contentTypes' | 'gone'> = {
    contentTypes: ['posts'],
    gone(ids) {
      const gone: string[] = []
      for (const id of ids) {
        if (left-- <= 0) return Promise.reject(new AshevilleError('rate-limited', 'Wait'))
        if (isGone(id)) gone.push(id)
      }
      return Promise.resolve(gone)
    },
  }
  const lease: Pick<HeldLease, 'check' | 'checkHeld' | 'renewed' | 'lost'> = {
    check: () => undefined,
    checkHeld: () => undefined,
    renewed: () => undefined,
    lost: new AbortController().signal,
  }
  const parts: StoreParts = {
    stream: stream as Stream,
    wanted: { contentTypes: ['posts'] },
    lease: lease as HeldLease,
    io: {} as PullIo,
    target: { account: {}, context: { userId: 'u', requestId: 'r' } } as Target,
    media: { transfer: () => Promise.resolve({}) },
    platform: {
      putItems({ body }) {
        for (const id of body.gone) marked.add(id)
        const missing = body.covers.length > 0 ? stored.filter((id) => !marked.has(id)) : []
        return Promise.resolve({ ...none, gone: body.gone.length, missing })
      },
    },
    ledger: {
      checkpoint(_, { skipped }) {
        saved.push({ skipped })
        return Promise.resolve()
      },
    },
  }
  return { parts, marked, saved, waited: () => void (left = limit) }
}

const batch: Batch = {
  items: [],
  gone: [],
  skipped: [],
  covers: [{ by: 'id', from: null, to: null }],
  available: {},
  head: null,
  account: null,
  cursor: null,
  pages: 1,
}

describe('what seems to be gone', () => {
  const stored = Array.from({ length: 1000 }, (_, index) => `post-${index}`)

  test('is all marked in the end, however few questions the network allows at once', async () => {
    const { parts, marked, saved, waited } = startParts({ stored, limit: 300, isGone: () => true })
    for (let tries = 0; saved.length === 0; tries += 1) {
      expect(tries).toBeLessThan(5)
      await storeBatch(parts, walk, batch).catch((error: unknown) => expect(error).toMatchObject({ kind: 'rate-limited' }))
      waited()
    }
    expect(marked.size).toBe(stored.length)
  })

  test('is left to a later walk where asking gets nowhere, so that this one ends', async () => {
    const { parts, marked, saved } = startParts({ stored, limit: 300, isGone: () => false })
    await storeBatch(parts, walk, batch)
    expect(saved).toHaveLength(1)
    expect(marked.size).toBe(0)
  })
})

test('what is skipped can be noted, whatever its id', async () => {
  const { parts, saved } = startParts({ stored: [], limit: 0, isGone: () => false })
  await storeBatch(parts, walk, { ...batch, skipped: [{ id: 'a\0b\ud800', reason: `No\0${'x'.repeat(10_000)}` }] })
  expect(saved[0]?.skipped).toEqual([{ id: 'a\ufffdb\ufffd', reason: expect.stringMatching(/^No\ufffdx{2000,2100}$/) }])
})
