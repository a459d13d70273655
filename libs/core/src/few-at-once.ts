/** What `work` makes of each, in their order; no more than so many under way at once. The first failure is thrown. */
export async function fewAtOnce<T, R>(many: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  const run = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index]!)
  }
  await Promise.all(Array.from({ length: Math.min(many, items.length) }, run))
  return results
}
