import { AshevilleError } from '@asheville/core'
import type { Database } from '@asheville/database'
import type { Claim } from '@asheville/service'
import type { Context } from '../context.ts'
import { putAnswer } from './queries.ts'
import { nameOf, sealContents } from './sealed-answer.ts'

/**
 * Keeps what is about to be replied, in the transaction of what was done for it, and answers it; without a claim it only answers it.
 * `userId`: whose it is, where the request did not say. Throws `conflict` when somebody has taken over, so that nothing is done twice.
 */
export async function keepReply<Reply extends object>(
  { sealing }: Pick<Context, 'sealing'>,
  tx: Database,
  claim: Claim | null,
  reply: Reply,
  userId: string | null = null,
): Promise<Reply> {
  if (claim === null) return reply
  const sealed = sealContents(claim, JSON.stringify(reply), sealing)
  const isKept = await putAnswer(tx, nameOf(claim.id), { attempt: claim.attempt, status: 200, userId }, sealed)
  if (!isKept) throw new AshevilleError('conflict', 'The same request is being worked on', { retryAfterMs: 1000 })
  return reply
}
