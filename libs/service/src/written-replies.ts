const written = new WeakMap<object, Buffer | null>()

/** Says of a reply that it may be answered more than once and is never changed: it is checked and written once. */
export function answeredAgain<T extends object>(reply: T): T {
  written.set(reply, null)
  return reply
}

/** As what such a reply was written; null: it was not yet, or is none. */
export function writtenBefore(reply: unknown): Buffer | null {
  return typeof reply === 'object' && reply !== null ? (written.get(reply) ?? null) : null
}

/** What is sent for a reply that is written like this; it is kept if the reply is one of those. */
export function noteWritten(reply: unknown, text: string): Buffer | string {
  if (typeof reply !== 'object' || reply === null || !written.has(reply)) return text
  const bytes = Buffer.from(text)
  written.set(reply, bytes)
  return bytes
}
