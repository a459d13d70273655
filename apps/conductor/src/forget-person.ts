import { randomUUID } from 'node:crypto'
import { forgetKeys, forgetShares } from '@asheville/jobs'
import { z } from 'zod'
import type { Context } from './context.ts'

const payloadSchema = z.object({ networks: z.array(z.string()), connections: z.array(z.uuid()), removes: z.array(z.uuid()) })

/**
 * Has everything outside of accounts forgotten of a person whose account is being closed: platform's index, the queues, their
 * keys in Redis; then accounts is told what there was. Repeating it is harmless.
 */
export async function forgetPerson(
  { platform, producer, redis, accounts, networks: known }: Pick<Context, 'platform' | 'producer' | 'redis' | 'accounts' | 'networks'>,
  userId: string,
  payload: unknown,
  signal: AbortSignal,
): Promise<void> {
  const { networks, connections, removes } = payloadSchema.parse(payload)
  const call = { userId, requestId: randomUUID(), signal }
  const { forgotten } = await platform.forgetPerson({ ...call, body: { removes } })
  let jobs = 0
  for (const network of networks) jobs += await producer.forgetPerson(network, userId, connections)
  for (const { id, budgets } of known) await forgetShares(redis, id, budgets, connections)
  await forgetKeys(redis, userId)
  await accounts.noteForgotten({ ...call, body: { ...forgotten, jobs } })
}
