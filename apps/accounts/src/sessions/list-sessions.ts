import { kindOf } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { deviceName } from './device-name.ts'
import type { MirroredSession } from './mirror.ts'
import { listSessionsOf } from './queries.ts'

export function handleListSessions({
  db,
  mirror,
  places,
}: Pick<Context, 'db' | 'mirror' | 'places'>): Handler<typeof accountsRoutes.listSessions> {
  async function find(userId: string): Promise<MirroredSession[]> {
    const early = mirror.isPostgresAway() ? await mirror.list(userId) : 'unknown'
    if (early !== 'unknown') return early
    try {
      return await listSessionsOf(db, userId)
    } catch (error) {
      const found = kindOf(error) === 'unavailable' ? await mirror.list(userId) : 'unknown'
      if (found === 'unknown') throw error
      return found
    }
  }

  return async ({ userId }) => {
    const sessions = await find(userId)
    return {
      sessions: sessions.map(({ id, user, userAgent, address, createdAt, usedAt, idleEndsAt, endsAt }) => ({
        id,
        device: deviceName(userAgent),
        address,
        place: places.find(address, user.locale),
        createdAt,
        usedAt: new Date(usedAt).toISOString(),
        expiresAt: new Date(Math.min(idleEndsAt, endsAt)).toISOString(),
      })),
    }
  }
}
