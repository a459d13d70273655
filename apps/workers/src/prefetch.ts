/**
 * The same values, each asked of the source while the one before is being worked on; one waits at most. An error comes
 * after the values before it. Ending early ends the source, once what was asked for has settled.
 */
export async function* prefetch<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]()
  const ask = () => {
    const asked = iterator.next()
    // Whoever awaits it sees the failure; it must not count as unhandled until then.
    asked.catch(() => undefined)
    return asked
  }
  let next = ask()
  try {
    for (;;) {
      const result = await next
      if (result.done) return
      next = ask()
      yield result.value
    }
  } finally {
    await next.catch(() => undefined)
    await iterator.return?.()
  }
}
