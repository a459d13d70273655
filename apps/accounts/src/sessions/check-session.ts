import { setTimeout as delay } from 'node:timers/promises'
import { AshevilleError, kindOf } from '@asheville/core'
import type { accountsRoutes, Session } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { hashToken } from '../tokens.ts'
import { idleMs, useMs } from './limits.ts'
import type { MirroredSession } from './mirror.ts'
import { useSession } from './queries.ts'

type Parts = Pick<Context, 'db' | 'mirror'>

/** After which Redis is asked too; what it says counts only where it has missed no session that ended. */
const patienceMs = 400
/** Whoever waits for a page has no more time. */
const deadlineMs = 2000

export function handleCheckSession(parts: Parts): Handler<typeof accountsRoutes.checkSession> {
  return async ({ body }) => {
    const session = await checkSession(parts, hashToken(body.token), Date.now())
    if (!session) throw new AshevilleError('unauthenticated', 'You are signed out. Sign in again')
    return session
  }
}

/** Whose session this is; null when it has ended. Throws `unavailable` when neither Postgres nor Redis can tell. */
async function checkSession(parts: Parts, tokenHash: Uint8Array, now: number): Promise<Session | null> {
  if (parts.mirror.isPostgresAway()) {
    const found = await fromMirror(parts, tokenHash, now)
    if (found !== 'unknown') return found
  }
  const asked = fromPostgres(parts, tokenHash)
  const first = await Promise.race([asked.catch(unknownIfAway), after(patienceMs)])
  if (first !== 'unknown') return first
  const found = await fromMirror(parts, tokenHash, now)
  if (found !== 'unknown') return found
  const late = await Promise.race([asked, after(deadlineMs - patienceMs)])
  if (late !== 'unknown') return late
  throw new AshevilleError('unavailable', 'Nobody can tell whose session this is')
}

async function fromPostgres({ db, mirror }: Parts, tokenHash: Uint8Array): Promise<Session | null> {
  const found = await useSession(db, tokenHash)
  if (!found) return null
  if (found.isMoved) await mirror.put(found.session)
  return sessionOf(found.session)
}

async function fromMirror({ mirror }: Parts, tokenHash: Uint8Array, now: number): Promise<Session | null | 'unknown'> {
  const found = await mirror.find(tokenHash)
  if (found === 'unknown') return 'unknown'
  if (found === 'ended' || Math.min(found.idleEndsAt, found.endsAt) <= now) return null
  if (found.usedAt >= now - useMs) return sessionOf(found)
  const used = { ...found, usedAt: now, idleEndsAt: now + idleMs }
  await mirror.move(used)
  return sessionOf(used)
}

function sessionOf({ id, user, idleEndsAt, endsAt }: MirroredSession): Session {
  return { id, user, expiresAt: new Date(Math.min(idleEndsAt, endsAt)).toISOString() }
}

function unknownIfAway(error: unknown): 'unknown' {
  if (kindOf(error) === 'unavailable') return 'unknown'
  throw error
}

const after = (ms: number) => delay(ms, 'unknown' as const, { ref: false })
