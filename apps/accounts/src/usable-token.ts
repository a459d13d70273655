import type { StoredTokens } from './queries/credentials.ts'

const longestMarginMs = 30_000

/**
 * Whether an access token may be handed out: it is not the one that was refused, and has some of its life left (30 s, or a
 * tenth where it lives for less than five minutes).
 */
export function isUsable(
  { accessToken, expiresAt, updatedAt }: Pick<StoredTokens, 'accessToken' | 'expiresAt' | 'updatedAt'>,
  rejected: string | null,
  now: Date,
): boolean {
  if (accessToken === rejected) return false
  if (expiresAt === null) return true
  const expiry = Date.parse(expiresAt)
  const lifetime = Math.max(0, expiry - Date.parse(updatedAt))
  return expiry - Math.min(longestMarginMs, lifetime / 10) > now.getTime()
}
