import type { Connection } from '@asheville/clients'
import { errorFields, type Logger } from '@asheville/service'
import type { Context } from './context.ts'
import { stopJobs } from './stop-work.ts'
import { tell } from './tell.ts'
import { workOf } from './work-of.ts'

/**
 * Accounts has ended the work of these streams of the connection: to make it quick, the workers are told, and open pages. Where that fails the workers
 * learn of it by their next heartbeat; it never throws.
 */
export async function stopConnection(
  context: Pick<Context, 'accounts' | 'redis' | 'producer'>,
  call: { userId: string; requestId: string; signal: AbortSignal },
  { id: connectionId, state }: Pick<Connection, 'id' | 'state'>,
  log: Logger,
  isMeant: (stream: string) => boolean = () => true,
): Promise<void> {
  try {
    const work = await workOf(context, call, { connectionId })
    const meant = work.filter(({ stream }) => isMeant(stream))
    await stopJobs(context, meant)
  } catch (error) {
    log.warn({ error: errorFields(error), connectionId }, 'Workers learn by their next heartbeat that work has ended')
  }
  await tell(context, call.userId, { type: 'connection', connectionId, state })
}
