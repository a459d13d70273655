/** A reply that was checked, as it is sent. */
export interface Written {
  readonly text: string | Buffer
  /** Where its contract has one. */
  readonly etag: string | null
}

interface Again {
  written: Written | null
  onWritten?: ((written: Written) => void) | undefined
}

const replies = new WeakMap<object, Again>()

/**
 * Says of a reply that it may be answered more than once and is never changed: it is checked and written once.
 *
 * @param onWritten is told as what, so that it can be kept elsewhere
 */
export function answeredAgain<T extends object>(reply: T, onWritten?: (written: Written) => void): T {
  replies.set(reply, { written: null, onWritten })
  return reply
}

/** Stands for a reply that was checked and written before, perhaps by another process: of the reply itself it has `next` alone. */
export function answeredAsWritten<T extends object>(written: Written, next: string | null): T {
  const reply = { next } as unknown as T
  replies.set(reply, { written })
  return reply
}

/** As what such a reply was written; null: it was not yet, or is none. */
export function writtenBefore(reply: unknown): Written | null {
  return typeof reply === 'object' && reply !== null ? (replies.get(reply)?.written ?? null) : null
}

/** What is sent for a reply that is written like this; it is kept, as bytes, if the reply is one of those. */
export function noteWritten(reply: unknown, written: Written): Written {
  const again = typeof reply === 'object' && reply !== null ? replies.get(reply) : undefined
  if (!again) return written
  again.written = { ...written, text: Buffer.from(written.text) }
  again.onWritten?.(again.written)
  return again.written
}
