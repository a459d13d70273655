import { createHash } from 'node:crypto'
import type { Session } from '@asheville/clients'
import { kindOf } from '@asheville/core'
import type { Backends } from './backends.ts'

/** Who signed-in browsers are, remembered for a moment so that a page with many pictures asks once. */
export interface Sessions {
  /** null when the session has ended. Throws `unavailable` when nobody can tell. */
  check(token: string, accounts: Backends['accounts']): Promise<Session | null>
  forget(token: string): void
}

const keepMs = 800
const maxKept = 5000

export function createSessions(now: () => number = Date.now): Sessions {
  const kept = new Map<string, { session: Promise<Session | null>; until: number }>()
  const keyOf = (token: string): string => createHash('sha256').update(token).digest('base64')

  return {
    async check(token, accounts) {
      const key = keyOf(token)
      const known = kept.get(key)
      if (known && known.until > now()) return known.session
      const session = accounts.checkSession({ body: { token } }).catch((error: unknown) => {
        if (kindOf(error) === 'unauthenticated' || kindOf(error) === 'invalid') return null
        kept.delete(key)
        throw error
      })
      if (kept.size >= maxKept) kept.clear()
      kept.set(key, { session, until: now() + keepMs })
      return session
    },
    forget(token) {
      kept.delete(keyOf(token))
    },
  }
}
