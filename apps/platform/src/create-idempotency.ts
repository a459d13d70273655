import { createHash } from 'node:crypto'
import type { Database } from '@asheville/database'
import type { Begun, Idempotency, KeyedRequest } from '@asheville/service'

/** Longer than any request may take: whoever had it then has ended, or is dead. */
const held = "now() + interval '2 minutes'"
const kept = "now() + interval '24 hours'"

interface KeyRow {
  attempt: number
  fingerprint: string
  status: number | null
  body: string | null
  isHeld: boolean
}

/**
 * Keys of programs' requests in Postgres. What they do can be done again (the same item at the same place), so that a key whose
 * holder died is simply taken over. Neither hashes of what was asked for nor answers hold a secret: nothing is sealed.
 */
export function createIdempotency(db: Database): Idempotency {
  return {
    async begin(request): Promise<Begun> {
      const { userId, fingerprint } = request
      if (userId === null) throw new Error('A key is a person’s')
      const id = idOf(request)
      await db.query('DELETE FROM idempotency_keys WHERE user_id = $1 AND expires_at <= now()', [userId])
      // It may be given back, or taken over, between two looks.
      for (let look = 1; look <= 3; look += 1) {
        const added = await db.query(
          `INSERT INTO idempotency_keys (user_id, id, fingerprint, held_until, expires_at) VALUES ($1, $2, $3, ${held}, ${kept})
           ON CONFLICT DO NOTHING RETURNING id`,
          [userId, id, fingerprint],
        )
        if (added.length > 0) return { state: 'mine', claim: { id, attempt: 1, fingerprint } }
        const known = await find(userId, id)
        if (!known) continue
        if (known.fingerprint !== fingerprint) return { state: 'other-request' }
        if (known.status !== null && known.body !== null) return { state: 'answered', answer: { status: known.status, body: known.body } }
        if (known.isHeld) break
        const attempt = known.attempt + 1
        const taken = await db.query(
          `UPDATE idempotency_keys SET attempt = $3, held_until = ${held} WHERE user_id = $1 AND id = $2 AND attempt = $3 - 1 AND status IS NULL
           RETURNING id`,
          [userId, id, attempt],
        )
        if (taken.length > 0) return { state: 'mine', claim: { id, attempt, fingerprint } }
      }
      return { state: 'running' }
    },

    async finish({ id, attempt }, { status, body }) {
      await db.query('UPDATE idempotency_keys SET status = $3, body = $4 WHERE id = $1 AND attempt = $2 AND status IS NULL', [
        id,
        attempt,
        status,
        body,
      ])
    },

    async abandon({ id, attempt }) {
      await db.query('DELETE FROM idempotency_keys WHERE id = $1 AND attempt = $2 AND status IS NULL', [id, attempt])
    },
  }

  async function find(userId: string, id: string): Promise<KeyRow | null> {
    const [row] = await db.query<KeyRow>(
      'SELECT attempt, fingerprint, status, body, held_until > now() AS "isHeld" FROM idempotency_keys WHERE user_id = $1 AND id = $2',
      [userId, id],
    )
    return row ?? null
  }
}

/** The person is in it: the same key of two people is two. */
function idOf({ key, caller, userId, route }: Omit<KeyedRequest, 'fingerprint'>): string {
  return createHash('sha256')
    .update(JSON.stringify([caller, userId, route, key]))
    .digest('base64url')
}
