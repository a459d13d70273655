import type { Page, WalkKind } from '@asheville/core'

/** So many at once; the others stand in line. */
export interface Turns {
  /** Resolves to what ends it once it is one's turn; urgent ones go before the others. Throws the signal's reason when it aborts before that. */
  take(options: { isUrgent: boolean; signal: AbortSignal }): Promise<() => void>
  hasWaiting(): boolean
}

export function createTurns(most: number): Turns {
  type Waiting = (value: null) => void
  const urgent: Waiting[] = []
  const others: Waiting[] = []
  let free = most

  function end(): void {
    const next = urgent.shift() ?? others.shift()
    if (next) next(null)
    else free += 1
  }

  return {
    async take({ isUrgent, signal }) {
      signal.throwIfAborted()
      if (free > 0) free -= 1
      else {
        const line = isUrgent ? urgent : others
        const { promise, resolve, reject } = Promise.withResolvers<null>()
        const leave = () => {
          const place = line.indexOf(resolve)
          if (place >= 0) line.splice(place, 1)
          reject(signal.reason as Error)
        }
        line.push(resolve)
        signal.addEventListener('abort', leave, { once: true })
        await promise.finally(() => signal.removeEventListener('abort', leave))
      }
      let isOver = false
      return () => {
        if (!isOver) end()
        isOver = true
      }
    },
    hasWaiting: () => urgent.length + others.length > 0,
  }
}

/** One turn, taken when it is first needed. */
export interface Turn {
  take(): Promise<void>
  end(): void
}

export function createTurn(turns: Turns, options: Parameters<Turns['take']>[0]): Turn {
  let taken: ReturnType<Turns['take']> | null = null
  return {
    take: async () => void (await (taken ??= turns.take(options))),
    end: () => void taken?.then((end) => end()).catch(() => undefined),
  }
}

/** The same pages; a turn is taken before the first that has anything, and none but an incremental walk begins without one. */
export async function* inTurn(pages: AsyncIterable<Page>, kind: WalkKind, turn: Pick<Turn, 'take'>): AsyncGenerator<Page, void, undefined> {
  if (kind !== 'incremental') await turn.take()
  for await (const page of pages) {
    if (!isEmpty(page)) await turn.take()
    yield page
  }
}

function isEmpty({ items, gone, skipped, covers }: Page): boolean {
  return items.length + gone.length + skipped.length + (covers?.length ?? 0) === 0
}
