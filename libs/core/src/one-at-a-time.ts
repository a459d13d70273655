/** Runs `work` when nobody else who has this function works on the same key; in the order in which they came. */
export type Alone = <T>(key: string, work: () => Promise<T>) => Promise<T>

/** For what must be checked and changed without another of this process in between. */
export function oneAtATime(): Alone {
  const busy = new Map<string, Promise<unknown>>()
  return async (key, work) => {
    const before = busy.get(key) ?? Promise.resolve()
    const mine = before.then(work, work)
    const settled = mine.catch(() => undefined)
    busy.set(key, settled)
    try {
      return await mine
    } finally {
      if (busy.get(key) === settled) busy.delete(key)
    }
  }
}
