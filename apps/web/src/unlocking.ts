import { isSame, sign } from './forgery.ts'

/** How long the board of the queues may be used to change something, once its owner has said so. */
export const unlockedMs = 15 * 60_000

/** What a browser shows that it was unlocked in this session, until then. */
export function unlockFor(secret: string, sessionId: string, now = Date.now()): { value: string; until: Date } {
  const until = now + unlockedMs
  return { value: `${until}.${sign(secret, 'unlock', sessionId, String(until))}`, until: new Date(until) }
}

/** Until when it is unlocked; null: it is not, or not any more, or was in another session. */
export function unlockedUntil(value: string | null, secret: string, sessionId: string, now = Date.now()): Date | null {
  const [, until = '', signature = ''] = /^(\d{1,15})\.([\w-]+)$/.exec(value ?? '') ?? []
  if (!isSame(signature, sign(secret, 'unlock', sessionId, until))) return null
  return Number(until) > now && Number(until) <= now + unlockedMs ? new Date(Number(until)) : null
}
