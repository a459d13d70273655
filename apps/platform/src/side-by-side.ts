/** Does the work for each, so many at once. After a failure no more is begun, and it is thrown when what is under way has ended. */
export async function sideBySide<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const rest = all.values()
  let hasFailed = false
  const run = async () => {
    for (let next = rest.next(); !next.done && !hasFailed; next = rest.next())
      await work(next.value).catch((error: unknown) => {
        hasFailed = true
        throw error
      })
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(atOnce, all.length) }, run))
  for (const each of ended) if (each.status === 'rejected') throw each.reason
}
