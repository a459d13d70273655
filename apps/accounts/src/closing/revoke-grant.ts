import { kindOf, type Tokens } from '@asheville/core'
import type { Database } from '@asheville/database'
import { findParkedOf, removeParked } from '../connect/parked-accounts.ts'
import { revokeUpstream, type Granted } from '../connect/refresh-upstream.ts'
import type { Context } from '../context.ts'
import { getStoredConnection } from '../queries/connections.ts'
import { lockTokens, removeTokens } from '../queries/credentials.ts'
import { revokeForMs, type Grant, type OpenClosing } from './closings.ts'

const revokeMs = 5_000
/** So often a refresh that was begun is waited for: its tokens are to be given back too. */
const refreshWaits = 4

/**
 * Gives one access back, and only then deletes its tokens; answers what became of it. Both happen while its row is locked, so
 * that no refresh brings tokens that nobody would give back. Killed in between, it is given back once more.
 */
export async function revokeGrant(context: Context, tx: Database, closing: OpenClosing, grant: Grant): Promise<Grant> {
  const tried = { ...grant, tries: grant.tries + 1 }
  const held = await takeTokens(context, tx, closing.userId, grant).catch((error: unknown) => {
    if (kindOf(error) === 'unavailable') throw error
    return 'unreadable' as const
  })
  if (held === 'locked') return { ...tried, reason: 'It is being renewed at this moment' }
  if (held === null) return { ...tried, outcome: 'absent', reason: null }
  const result = held === 'unreadable' ? unreadable : await giveBack(context, held.granted, held.tokens)
  if (result.outcome === 'pending' && closing.ageMs < revokeForMs) return { ...tried, ...result }
  await removeGrant(tx, closing.userId, grant)
  return { ...tried, ...result, outcome: result.outcome === 'pending' ? 'failed' : result.outcome }
}

type Result = Pick<Grant, 'outcome' | 'reason'>

const unreadable: Result = { outcome: 'failed', reason: 'What is kept of it cannot be read any more' }

async function giveBack(context: Context, granted: Granted, tokens: Tokens): Promise<Result> {
  try {
    const isPossible = await revokeUpstream(context, granted, tokens, AbortSignal.timeout(revokeMs))
    return { outcome: isPossible ? 'revoked' : 'impossible', reason: null }
  } catch (error) {
    const kind = kindOf(error)
    const isPassing = kind === 'unavailable' || kind === 'rate-limited'
    const known = isPassing || kind === 'reconnect-required' || kind === 'invalid'
    return { outcome: isPassing ? 'pending' : 'failed', reason: known && error instanceof Error ? error.message : 'It was refused' }
  }
}

async function takeTokens(
  { sealing }: Context,
  tx: Database,
  userId: string,
  { id, of, provider, tries }: Grant,
): Promise<{ granted: Granted; tokens: Tokens } | 'locked' | null> {
  if (of === 'parked') {
    const parked = await findParkedOf(tx, userId, id, sealing)
    return parked?.link.tokens ? { granted: { ...parked.link, connection: parked.link }, tokens: parked.link.tokens } : null
  }
  const tokens = await lockTokens(tx, userId, { id, provider }, sealing)
  if (tokens === 'locked') return 'locked'
  if (tokens === null) return null
  if (tokens.refreshing !== null && tries < refreshWaits) return 'locked'
  return { granted: await getStoredConnection(tx, userId, id), tokens }
}

function removeGrant(tx: Database, userId: string, { id, of }: Grant): Promise<void> {
  return of === 'parked' ? removeParked(tx, userId, id) : removeTokens(tx, userId, id)
}
