import type { Context } from '../context.ts'
import { removeSessions } from './queries.ts'

/** Signs a person out everywhere, or everywhere but in one session. Answers how many sessions that ended. */
export async function endSessions({ db }: Context, userId: string, options: { except?: string } = {}): Promise<number> {
  return (await removeSessions(db, userId, options)).length
}
