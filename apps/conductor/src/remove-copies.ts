import { randomUUID } from 'node:crypto'
import { AshevilleError, contentTypeSchema, kindOf } from '@asheville/core'
import { errorFields } from '@asheville/service'
import { z } from 'zod'
import type { Context } from './context.ts'
import { tell } from './tell.ts'

const payloadSchema = z.object({
  connectionId: z.uuid(),
  network: z.string(),
  accountId: z.string(),
  contentTypes: z.array(contentTypeSchema),
  fences: z.array(z.object({ stream: z.string(), fence: z.number() })),
  storageIds: z.array(z.uuid()),
})

/**
 * Has what a person wants cleared removed from their storages, and what lists it there written anew; then accounts is told. What takes long is gone on with
 * by the next call. Repeating it is harmless: once accounts knows, whatever was begun anew has fences that are higher.
 */
export async function removeCopies(
  { platform, accounts, redis, log }: Pick<Context, 'platform' | 'accounts' | 'redis' | 'log'>,
  userId: string,
  payload: unknown,
  signal: AbortSignal,
): Promise<void> {
  const { storageIds, ...removal } = payloadSchema.parse(payload)
  const { connectionId, contentTypes } = removal
  const call = { userId, requestId: randomUUID(), signal }
  try {
    for (const storageId of storageIds) {
      const { isDone } = await platform.removeCopies({ ...call, body: { ...removal, storageId } })
      if (!isDone) throw new AshevilleError('unavailable', 'Not all that is to be cleared has been removed yet')
      await platform.finishSync({ ...call, body: { storageId } })
    }
  } catch (error) {
    // Somebody else has ended it, and it is being copied again; or the storage is not connected any more.
    if (!['conflict', 'not-found'].includes(kindOf(error))) throw error
    log.info({ connectionId, error: errorFields(error) }, 'What was to be cleared is cleared already')
  }
  const { id, state } = await accounts.noteCleared({ ...call, params: { connectionId }, body: { contentTypes } })
  await tell({ redis }, userId, { type: 'connection', connectionId: id, state })
}
