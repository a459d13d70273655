const texts = new WeakMap<object, string | null>()

/** Says of a reply that it may be answered more than once and is never changed: it is checked and written once. */
export function answeredAgain<T extends object>(reply: T): T {
  texts.set(reply, null)
  return reply
}

/** As what such a reply was written; null: it was not yet, or is none. */
export function writtenBefore(reply: unknown): string | null {
  return typeof reply === 'object' && reply !== null ? (texts.get(reply) ?? null) : null
}

/** Keeps what a reply was written as, if it is one of those. */
export function noteWritten(reply: unknown, text: string): void {
  if (typeof reply === 'object' && reply !== null && texts.has(reply)) texts.set(reply, text)
}
