import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { AshevilleError, itemSchema, kindOf, type ErrorKind, type Item, type Network, type PullIo, type Stream } from '@asheville/core'
import fc from 'fast-check'
import { as2Problems, attachedUrls } from './as2-problems.ts'
import { everythingOf, watch, type NetworkWorld, type StreamScript, type WorldFault } from './network-world.ts'
import { play, steps, type Step } from './network-model.ts'
import { describeServerNames, describeSignIn } from './sign-in-conformance.ts'
import { describeWebhook } from './webhook-conformance.ts'
import { createReference, type SeenPage } from './reference-sync.ts'

export interface NetworkFixtures {
  /** A fresh world for each test. */
  world(): NetworkWorld | Promise<NetworkWorld>
  /** How many random histories are played; 6. Fewer where a world is slow to fill. */
  histories?: number
}

interface Stage {
  world: NetworkWorld
  script: StreamScript
  watched: ReturnType<typeof watch>
  io: () => PullIo
}

const kinds: Record<WorldFault, ErrorKind> = {
  unauthorized: 'reconnect-required',
  'rate-limited': 'rate-limited',
  'server-error': 'unavailable',
  hang: 'unavailable',
}

/**
 * What every network must hold, against its vendor's simulator: call it from the adapter's test. Items are told apart by
 * their ids alone; what must be there is known from how many were added.
 */
export function describeNetwork(network: Network, fixtures: NetworkFixtures): void {
  const on = (stream: Stream, run: (stage: Stage) => Promise<void>) => async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'network-'))
    const world = await fixtures.world()
    try {
      const script = world.streams[stream.name]
      if (!script) throw new Error(`The fixtures have no script for the stream ${stream.name}`)
      const watched = watch(world, scratch)
      watched.state.account = await network.account(watched.io())
      watched.requests.length = 0
      await run({ world, script, watched, io: watched.io })
      expect(watched.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([])
      if (world.token) expect(watched.requests.filter(({ url }) => url.includes(world.token!))).toEqual([])
    } finally {
      await world.close?.()
      await rm(scratch, { recursive: true, force: true })
    }
  }

  describe(`${network.id} is a network`, () => {
    test('has names that fit into rows, paths and queues', () => {
      expect(network.id).toMatch(/^[a-z0-9-]+$/)
      expect(new Set(network.streams.map(({ name }) => name)).size).toBe(network.streams.length)
      for (const { name, version, contentTypes } of network.streams) {
        expect(name).toMatch(/^[a-z-]{1,40}$/)
        expect(version).toBeGreaterThan(0)
        expect(contentTypes.length).toBeGreaterThan(0)
      }
    })

    test(
      'says who the account is, the same each time',
      on(network.streams[0]!, async ({ io, world }) => {
        const one = await network.account({ ...io(), account: { id: '', handle: '' } })
        expect(one.id).not.toBe('')
        expect(one.handle).not.toBe('')
        await world.rename?.()
        expect((await network.account(io())).id).toBe(one.id)
      }),
    )

    describeSignIn(network.logins, () => fixtures.world())
    describeServerNames(network.logins, () => fixtures.world())
    describeWebhook(network, () => fixtures.world())

    describe.each(network.streams.map((stream) => [stream.name, stream] as const))('stream %s', (_name, stream) => {
      test(
        'yields each item once, well made',
        on(stream, async ({ script, io, world }) => {
          await script.add(script.many)
          const first = await createReference(stream).sync(io())
          if (world.token) expect(JSON.stringify(first.pages)).not.toContain(world.token)
          expect(first.items).toHaveLength(script.many)
          expect(new Set(first.items.map(({ id }) => id)).size).toBe(script.many)
          expect(first.skipped).toEqual([])
          for (const item of first.items) checkItem(item, stream)
          checkCovers(first.pages)
          const again = await createReference(stream).sync(io())
          expect(again.items.map(identity)).toEqual(first.items.map(identity))
          for (const { page } of first.pages) {
            for (const [contentType, count] of Object.entries(page.available ?? {}))
              expect([contentType, count]).toEqual([contentType, first.items.filter((item) => item.contentType === contentType).length])
          }
        }),
      )

      test(
        'goes on from the cursor of any page with exactly the rest',
        on(stream, async ({ script, io }) => {
          await script.add(script.many)
          const { pages } = await createReference(stream).sync(io())
          for (const [index, { walk }] of pages.entries()) {
            const rest: Item[] = []
            for await (const page of stream.pages(walk, io())) rest.push(...page.items)
            const expected = pages
              .slice(index)
              .filter((other) => other.walk.id === walk.id)
              .flatMap(({ page }) => page.items)
            expect(rest.map(identity)).toEqual(expected.map(identity))
          }
        }),
      )

      test(
        'yields the same in walks side by side as in one',
        on(stream, async ({ script, io }) => {
          await script.add(script.many)
          const walks = await stream.plan({ head: null, open: [], contentTypes: stream.contentTypes, range: all }, io())
          const apart: Item[] = []
          for (const walk of walks) for await (const page of stream.pages(walk, io())) apart.push(...page.items)
          const whole: Item[] = []
          for await (const page of stream.pages({ id: 'whole', kind: 'backfill', range: all, cursor: null }, io()))
            whole.push(...page.items)
          expect(apart.map(({ id }) => id).sort()).toEqual(whole.map(({ id }) => id).sort())
        }),
      )

      test(
        'an empty account is no error, and its first item arrives',
        on(stream, async ({ script, io }) => {
          const reference = createReference(stream)
          expect((await reference.sync(io())).items).toEqual([])
          expect((await reference.sync(io())).items).toEqual([])
          await script.add(1)
          expect((await reference.sync(io())).items).toHaveLength(1)
          expect((await reference.sync(io())).items).toEqual([])
        }),
      )

      test(
        'with nothing new it makes one request and yields nothing',
        on(stream, async ({ script, io, watched }) => {
          const reference = createReference(stream)
          for (const count of [script.many, 1, 3]) {
            await script.add(count)
            await reference.sync(io())
            watched.requests.length = 0
            const { items, skipped, gone } = await reference.sync(io())
            expect({ items, skipped, gone }).toEqual({ items: [], skipped: [], gone: [] })
            expect(watched.requests).toHaveLength(1)
          }
          expect(reference.stored.size).toBe(script.many + 4)
        }),
      )

      if (stream.estimate)
        test(
          'tells what it will charge for, and with each page what it did',
          on(stream, async ({ script, io, world }) => {
            await script.add(script.many)
            const estimate = await stream.estimate!(all, io())
            const reference = createReference(stream)
            for (const count of [0, 0, 1, 0, 3]) {
              if (count > 0) await script.add(count)
              const before = world.charged!()
              const { pages } = await reference.sync(io())
              const told = pages.map(({ page }) => page.reads ?? NaN).reduce((sum, reads) => sum + reads, 0)
              expect(told).toBe(world.charged!() - before)
            }
            if (estimate !== null) expect(estimate).toBe(script.many)
          }),
        )

      test(
        'what is posted while a backfill runs is neither missed nor doubled',
        on(stream, async ({ script, io }) => {
          await script.add(script.many)
          const reference = createReference(stream)
          const runs = [await reference.sync(io(), { pages: 1 })]
          await script.add(3)
          runs.push(await reference.sync(io()), await reference.sync(io()))
          expect(reference.stored.size).toBe(script.many + 3)
          expect(runs.flatMap(({ items }) => items)).toHaveLength(script.many + 3)
        }),
      )

      test(
        'an incremental walk cut off after any page leaves no hole',
        on(stream, async ({ script, io }) => {
          await script.add(2)
          let total = 2
          const reference = createReference(stream)
          await reference.sync(io())
          for (let cut = 0, isCut = true; isCut; cut++) {
            await script.add(script.many)
            await reference.sync(io(), { pages: cut })
            isCut = reference.state.walks.length > 0
            await script.add(2)
            total += script.many + 2
            await reference.sync(io())
            await reference.sync(io())
            expect(reference.stored.size).toBe(total)
            expect(reference.state.walks).toEqual([])
          }
          expect((await reference.sync(io())).items).toEqual([])
        }),
        slowMs,
      )

      test(
        'whatever happens, in whatever order, nothing is lost',
        async () => {
          const run = (played: Step[]) => on(stream, ({ script, io }) => play(stream, script, io(), played))()
          await fc.assert(fc.asyncProperty(steps, run), { numRuns: fixtures.histories ?? 6 })
        },
        slowMs,
      )

      test(
        'tells edits, deletions and what became visible late',
        on(stream, async ({ script, io }) => {
          await script.add(5)
          const reference = createReference(stream)
          await reference.sync(io())
          const edited = await script.edit?.()
          if (edited !== undefined) {
            const old = reference.stored.get(edited)
            const { items } = await reference.sync(io())
            expect(items.map(({ id }) => id)).toEqual([edited])
            expect(identity(items[0]!)).not.toEqual(old && identity(old))
            expect(items[0]!.at).toBe(old?.at)
          }
          await script.addLate?.()
          const late = script.addLate ? 1 : 0
          expect((await reference.sync(io())).items).toHaveLength(late)
          const removed = await script.remove?.()
          if (removed !== undefined) {
            if (stream.gone) expect(await stream.gone([...reference.stored.keys()], io())).toEqual([removed])
            await reference.sync(io())
            expect([...reference.gone]).toEqual([removed])
          }
          expect((await reference.sync(io())).items).toEqual([])
          expect(reference.live()).toHaveLength(5 + late - (removed === undefined ? 0 : 1))
        }),
      )

      test(
        'one broken record is skipped and told once, the rest arrives',
        on(stream, async ({ script, io }) => {
          if (!script.break) return
          await script.add(2)
          const whole = await createReference(stream).sync(io())
          await script.break()
          await script.add(2)
          const reference = createReference(stream)
          const { items, skipped, pages } = await reference.sync(io())
          expect(items).toHaveLength(3)
          // What was stored before it broke is not missing.
          checkCovers(pages, [...items, ...whole.items])
          expect(skipped).toHaveLength(1)
          expect(skipped[0]!.reason).not.toBe('')
          expect(await reference.sync(io())).toMatchObject({ items: [], skipped: [], gone: [] })
        }),
      )

      test(
        'fields that nobody knew before change nothing but the untouched payload',
        on(stream, async ({ script, io, watched }) => {
          await script.add(3)
          const before = await createReference(stream).sync(io())
          watched.state.addsUnknownFields = true
          const after = await createReference(stream).sync(io())
          expect(after.skipped).toEqual([])
          expect(after.items.map(identity)).toEqual(before.items.map(identity))
        }),
      )

      test(
        'keeps to the range of dates',
        on(stream, async ({ script, io }) => {
          await script.add(script.many)
          const whole = await createReference(stream).sync(io())
          const dates = whole.items.flatMap(({ at }) => at ?? []).sort()
          const range = { from: dates[Math.floor(dates.length / 3)] ?? null, to: dates[Math.floor((dates.length * 2) / 3)] ?? null }
          const part = await createReference(stream, { range }).sync(io())
          const isInside = ({ at }: Item) =>
            at === null || ((range.from === null || at >= range.from) && (range.to === null || at < range.to))
          expect(part.items.map(({ id }) => id).sort()).toEqual(
            whole.items
              .filter(isInside)
              .map(({ id }) => id)
              .sort(),
          )
          checkCovers(part.pages, whole.items)
        }),
      )

      test.each(Object.entries(kinds) as [WorldFault, ErrorKind][])('%s is told as %s, and it goes on afterwards', (fault, kind) =>
        on(stream, async ({ script, io, world }) => {
          await script.add(script.many)
          const reference = createReference(stream)
          await reference.sync(io(), { pages: 1 })
          await script.add(1)
          await world.fault(fault)
          const error = await reference.sync(io()).catch((thrown: unknown) => thrown)
          expect(kindOf(error)).toBe(kind)
          if (fault === 'rate-limited') expect((error as AshevilleError).retryAfterMs).toBeGreaterThan(0)
          if (world.token) expect(everythingOf(error)).not.toContain(world.token)
          if (stream.gone && fault !== 'hang') {
            const asked = await stream.gone([...reference.stored.keys()], io()).catch((thrown: unknown) => kindOf(thrown))
            expect(asked).toBe(kind)
          }
          await world.fault(null)
          await reference.sync(io())
          await reference.sync(io())
          expect(reference.stored.size).toBe(script.many + 1)
        })(),
      )

      test(
        'asks for the token again before each request',
        on(stream, async ({ script, io, watched }) => {
          await script.add(script.many)
          const reference = createReference(stream)
          await reference.sync(io(), { pages: 1 })
          watched.state.isGrantDead = true
          watched.requests.length = 0
          const error = await reference.sync(io(), { plans: false }).catch((thrown: unknown) => thrown)
          if (error !== undefined && error instanceof Error) expect(kindOf(error)).toBe('reconnect-required')
          expect(watched.requests.filter(({ hasToken }) => hasToken)).toEqual([])
        }),
      )

      test(
        'a mark that is not understood is an expired one, never the end',
        on(stream, async ({ script, io }) => {
          await script.add(1)
          for (const mark of ['', 'of another time', '{}', '{"version":99}', 'null']) {
            for (const kind of ['backfill', 'incremental'] as const) {
              const pulling = async () => {
                for await (const page of stream.pages({ id: kind, kind, range: all, cursor: mark }, io())) expect(page).toBe('no page')
              }
              expect([mark, kindOf(await pulling().catch((thrown: unknown) => thrown))]).toEqual([mark, 'cursor-expired'])
            }
            const reference = createReference(stream)
            reference.state.head = mark
            const run = await reference.sync(io()).catch((thrown: unknown) => kindOf(thrown))
            expect([mark, typeof run === 'string' ? run : run.items.length]).toEqual([mark, typeof run === 'string' ? 'cursor-expired' : 1])
          }
        }),
      )

      test(
        'stops soon after it is told to',
        on(stream, async ({ script, io, world, watched }) => {
          await script.add(script.many)
          const reference = createReference(stream)
          await reference.sync(io())
          await script.add(1)
          await reference.sync(io(), { pages: 0 })
          await world.fault('hang')
          const stop = new AbortController()
          watched.state.signal = stop.signal
          const startedAt = performance.now()
          setTimeout(() => stop.abort(new AshevilleError('cancelled', 'Told to stop')), 20)
          const error = await reference.sync(io(), { plans: false }).catch((thrown: unknown) => thrown)
          expect(kindOf(error)).toBe('cancelled')
          expect(performance.now() - startedAt).toBeLessThan(250)
          expect(kindOf(await reference.sync(io(), { plans: false }).catch((thrown: unknown) => thrown))).toBe('cancelled')
        }),
      )
    })
  })
}

const all = { from: null, to: null }
/** For what takes some seconds, on a machine that is busy with other things. */
const slowMs = 60_000

/** What is stored of an item, the counts left out. */
function identity({ id, at, contentType, object, media }: Item): string {
  const lasting = JSON.stringify(object, (key, value: unknown) => (/^(likes|shares|replies)$/.test(key) ? undefined : value))
  return JSON.stringify({ id, at, contentType, lasting, media: media.map(({ fresh: _, ...source }) => source) })
}

function checkItem(item: Item, stream: Stream): void {
  expect(itemSchema.safeParse(item).error).toBeUndefined()
  expect(stream.contentTypes).toContain(item.contentType)
  expect(item.object.id).toBe(item.id)
  expect(as2Problems(item.object)).toEqual([])
  expect(item.object['url'] ?? item.object['object'] ?? item.id).toBeTruthy()
  expect(item.raw).toBeDefined()
  for (const { url } of item.media) expect(attachedUrls(item.object)).toContain(url)
}

/** Whatever a page says it covers, no item of another page lies in it. */
function checkCovers(pages: readonly SeenPage[], items = pages.flatMap(({ page }) => page.items)): void {
  for (const { page } of pages) {
    const own = new Set(page.items.map(({ id }) => id))
    for (const { by, from, to, contentType } of page.covers ?? []) {
      const place = ({ id, at }: Item) => (by === 'at' ? (at ?? '') : id)
      const isIn = (item: Item) =>
        (contentType === undefined || item.contentType === contentType) &&
        (by === 'id' || item.at !== null) &&
        (from === null || place(item) >= from) &&
        (to === null || place(item) < to)
      expect(items.filter((item) => isIn(item) && !own.has(item.id)).map(({ id }) => id)).toEqual([])
    }
  }
}
