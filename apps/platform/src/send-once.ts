/** The files that this process is sending, by what and where to. */
export type UnderWay = Map<string, Promise<void>>

/**
 * Two streams may bring somebody the same file at the same time: one sends it, and the other waits. Should that fail, the other sends its own.
 * Processes know nothing of each other here: there both send, which costs calls and harms nothing.
 */
export async function sendOnce(underWay: UnderWay, key: string, send: () => Promise<void>): Promise<void> {
  for (let other = underWay.get(key); other; other = underWay.get(key)) {
    const isSent = await other.then(
      () => true,
      () => false,
    )
    if (isSent) return
  }
  const own = send()
  underWay.set(key, own)
  try {
    await own
  } finally {
    underWay.delete(key)
  }
}
