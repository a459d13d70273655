import type { Item, Page, PullIo, SkippedItem, Stream, Walk } from '@asheville/core'

/** A page as it came by, with the walk it is of and the cursor before it. */
export interface SeenPage {
  walk: Walk
  page: Page
}

/** What one run did. */
export interface Run {
  pages: SeenPage[]
  items: Item[]
  skipped: SkippedItem[]
  gone: string[]
}

/**
 * The least that a worker with accounts and platform behind it does for one stream, state in memory, exactly as libs/core says:
 * a head that moves late, walks that persist, cursors saved after each page.
 */
export function createReference(stream: Stream, wanted: Partial<Parameters<Stream['plan']>[0]> = {}) {
  const state = { head: null as string | null, walks: [] as (Walk & { head: string | null })[] }
  const stored = new Map<string, Item>()
  const gone = new Set<string>()

  function save(walk: Walk & { head: string | null }, page: Page): void {
    for (const item of page.items) {
      stored.set(item.id, item)
      gone.delete(item.id)
    }
    for (const id of page.gone) if (stored.has(id)) gone.add(id)
    walk.cursor = page.cursor
    if (page.head !== undefined) {
      if (walk.kind === 'backfill') state.head ??= page.head
      else if (walk.kind === 'incremental') walk.head = page.head
    }
    if (page.cursor !== null) return
    if (walk.head !== null) state.head = walk.head
    state.walks.splice(state.walks.indexOf(walk), 1)
  }

  return {
    state,
    stored,
    gone,
    live: () => [...stored.keys()].filter((id) => !gone.has(id)),
    /** One sync: plans, then pulls what is open; dies after `pages` pages if so many there are. */
    async sync(io: PullIo, { pages = Infinity, plans = true } = {}): Promise<Run> {
      const run: Run = { pages: [], items: [], skipped: [], gone: [] }
      if (plans) {
        const range = wanted.range ?? { from: null, to: null }
        const contentTypes = wanted.contentTypes ?? stream.contentTypes
        const open = state.walks.map(({ id, kind, range, cursor }) => ({ id, kind, range, cursor }))
        const planned = await stream.plan({ head: state.head, open, range, contentTypes }, io)
        state.walks.push(...planned.map((walk) => ({ ...walk, head: null })))
        const ids = state.walks.map(({ id }) => id)
        if (new Set(ids).size !== ids.length) throw new Error(`Two open walks have the same id: ${ids.join(', ')}`)
      }
      if (pages === 0) return run
      for (const walk of [...state.walks]) {
        const { id, kind, range } = walk
        for await (const page of stream.pages({ id, kind, range, cursor: walk.cursor }, io)) {
          run.pages.push({ walk: { id, kind, range, cursor: walk.cursor }, page })
          run.items.push(...page.items)
          run.skipped.push(...page.skipped)
          run.gone.push(...page.gone)
          save(walk, page)
          if (run.pages.length >= pages) return run
        }
        if (state.walks.includes(walk)) throw new Error(`The walk ${id} ended without a last page`)
      }
      return run
    },
  }
}
export type Reference = ReturnType<typeof createReference>
