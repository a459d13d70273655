/**
 * What `work` makes of each, in their order; no more than so many under way at once. After a failure no more is begun, and the first one is
 * thrown when what is under way has ended.
 */
export async function fewAtOnce<T, R>(many: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length)
  const rest = items.entries()
  const failures: unknown[] = []
  const run = async () => {
    for (const [index, item] of rest) {
      if (failures.length > 0) return
      try {
        results[index] = await work(item)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(many, items.length) }, run))
  if (failures.length > 0) throw failures[0]
  return results
}
