import { createHash } from 'node:crypto'
import type { Begun, Idempotency, KeyedRequest } from '@asheville/service'
import type { Context } from '../context.ts'
import { addKey, findKey, putAnswer, removeKey, takeOver } from './queries.ts'
import { nameOf, openContents, sealContents } from './sealed-answer.ts'

/**
 * Keys in Postgres. A handler keeps its reply by `keepReply` in the transaction of its effect, so that a key without an answer is one
 * without an effect: when whoever had it has died, it may be tried again, and the dead one, should it wake, cannot commit any more.
 */
export function createIdempotency({ db, sealing }: Pick<Context, 'db' | 'sealing'>): Idempotency {
  return {
    async begin({ fingerprint, userId, ...request }): Promise<Begun> {
      const id = idOf({ ...request, userId })
      const name = nameOf(id)
      // It may be given back, or taken over, between two looks.
      for (let look = 1; look <= 3; look += 1) {
        const added = await addKey(db, name, userId, sealContents({ id, fingerprint }, null, sealing))
        if (added !== null) return { state: 'mine', claim: { id, attempt: added, fingerprint } }
        const known = await findKey(db, name)
        if (!known) continue
        const { attempt, status, isHeld } = known
        const contents = openContents(id, known.sealed, sealing)
        if (contents.fingerprint !== fingerprint) return { state: 'other-request' }
        if (status !== null && contents.body !== null) return { state: 'answered', answer: { status, body: contents.body } }
        if (isHeld) break
        if (await takeOver(db, name, attempt)) return { state: 'mine', claim: { id, attempt: attempt + 1, fingerprint } }
      }
      return { state: 'running' }
    },

    async finish(claim, { status, body }) {
      await putAnswer(db, nameOf(claim.id), { attempt: claim.attempt, status, userId: null }, sealContents(claim, body, sealing))
    },

    abandon: ({ id, attempt }) => removeKey(db, nameOf(id), attempt),
  }
}

function idOf({ key, caller, userId, route }: Omit<KeyedRequest, 'fingerprint'>): string {
  return createHash('sha256')
    .update(JSON.stringify([caller, userId, route, key]))
    .digest('base64url')
}
