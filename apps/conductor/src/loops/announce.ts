import { randomUUID } from 'node:crypto'
import { kindOf, type ErrorKind } from '@asheville/core'
import { publishEvent } from '@asheville/jobs'
import { errorFields } from '@asheville/service'
import { z } from 'zod'
import type { AccountsClient, Context } from '../context.ts'
import { forgetPerson } from '../forget-person.ts'
import { removeCopies } from '../remove-copies.ts'
import { stopWork } from '../stop-work.ts'

const batch = 100

type Message = Awaited<ReturnType<AccountsClient['claimOutbox']>>['messages'][number]

/** What accounts writes when a sync is closed. */
const finishedSchema = z.looseObject({ syncId: z.uuid(), storageIds: z.array(z.uuid()) })

/** Only the person can mend these; trying again every minute would not. */
const lasting: readonly ErrorKind[] = ['not-found', 'invalid', 'forbidden', 'reconnect-required', 'storage-full']

/**
 * Carries out what accounts left in its outbox, once each at least: acknowledged only when it is done, else it comes back
 * within a minute. One that fails holds up no other.
 */
export async function announce(context: Context, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { messages } = await context.accounts.claimOutbox({ body: { limit: batch }, signal })
    const settled = await Promise.allSettled(messages.map((message) => carryOut(context, message, signal)))
    const done = messages.filter((_, index) => settled[index]?.status === 'fulfilled')
    if (done.length > 0) await context.accounts.acknowledgeOutbox({ body: { ids: done.map(({ id }) => id) }, signal })
    settled.forEach((result, index) => {
      if (result.status === 'rejected')
        context.log.warn({ outboxId: messages[index]?.id, error: errorFields(result.reason) }, 'An announcement is left for later')
    })
    if (messages.length < batch || done.length < messages.length || signal.aborted) return
  }
}

async function carryOut(context: Context, { kind, userId, payload }: Message, signal: AbortSignal): Promise<void> {
  if (kind === 'stop-work') return stopWork(context, payload)
  if (kind === 'forget-person') return forgetPerson(context, userId, payload, signal)
  if (kind === 'remove-copies') return removeCopies(context, userId, payload, signal)
  if (kind !== 'sync-finished') return
  const { syncId, storageIds } = finishedSchema.parse(payload)
  const call = { userId, requestId: randomUUID(), signal }
  for (const storageId of storageIds) {
    await context.platform.finishSync({ ...call, body: { storageId } }).catch((error: unknown) => {
      if (!lasting.includes(kindOf(error))) throw error
      context.log.info({ syncId, storageId, error: errorFields(error) }, 'The storage takes no summary; the next sync writes it')
    })
  }
  const sync = await context.accounts.getSync({ ...call, params: { syncId } }).catch((error: unknown) => {
    if (kindOf(error) !== 'not-found') throw error
    return null
  })
  // So long ago that it is forgotten.
  if (!sync) return
  // For whoever looks now; that Redis is away must not repeat the rest.
  await publishEvent(context.redis, userId, { type: 'sync', syncId, state: sync.state }).catch(() => undefined)
}
