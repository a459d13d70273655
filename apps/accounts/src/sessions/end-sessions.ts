import type { Context } from '../context.ts'
import { removeSessions } from './queries.ts'

/** Signs a person out everywhere, or everywhere but in one session. Answers how many sessions that ended. */
export async function endSessions({ db, mirror }: Context, userId: string, options: { except?: string | null } = {}): Promise<number> {
  const ended = await removeSessions(db, userId, options)
  await mirror.catchUp()
  return ended.length
}
