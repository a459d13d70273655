import type { LiveEvent } from '@asheville/clients'
import { publishEvent } from '@asheville/jobs'
import type { Context } from './context.ts'

/** For whoever looks now. That Redis is away fails nothing. */
export async function tell({ redis }: Pick<Context, 'redis'>, userId: string, event: LiveEvent): Promise<void> {
  await publishEvent(redis, userId, event).catch(() => undefined)
}
