import { setTimeout as delay } from 'node:timers/promises'
import { AshevilleError, kindOf, type Tokens } from '@asheville/core'
import type { Database } from '@asheville/database'
import { refreshUpstream } from './connect/refresh-upstream.ts'
import { findAdapter, type Context } from './context.ts'
import { getConnection, type StoredConnection } from './queries/connections.ts'
import { findTokens, lockTokens, putTokens, type StoredTokens } from './queries/credentials.ts'
import { lockPerson } from './queries/users.ts'
import { markReconnect, reconnectReason } from './streams/end-work.ts'
import { isUsable } from './usable-token.ts'

/** Longer than the slowest provider that is waited for: whoever holds the lock has answered or given up by then. */
const waitMs = 50_000
const pollMs = 100

type Outcome = { kind: 'tokens'; tokens: Tokens } | { kind: 'none' } | { kind: 'dead'; version: number } | { kind: 'locked' }

export interface Access {
  /**
   * A current access token, null for a connection that needs none. `rejected`: one that the other side has just refused.
   * Throws `reconnect-required` when the grant is dead; the connection says so from then on. `signal` ends the waiting, not
   * the refresh: others wait for it too.
   */
  get(
    userId: string,
    connectionId: string,
    rejected: string | null,
    signal: AbortSignal,
  ): Promise<{ accessToken: string | null; expiresAt: string | null }>
}

/**
 * Hands out access tokens, and refreshes them once however many ask: of the callers in this process one goes on, of several
 * processes the one that has the credential's row locked (RULES 18, 19). The others find the new token.
 */
export function createAccess(context: Context): Access {
  const { db, sealing } = context
  const refreshing = new Map<string, Promise<Outcome>>()

  function refreshOnce(userId: string, stored: StoredConnection, rejected: string | null): Promise<Outcome> {
    const { id } = stored.connection
    const running = refreshing.get(id)
    if (running) return running
    const started = refresh(context, userId, stored, rejected).finally(() => refreshing.delete(id))
    refreshing.set(id, started)
    return started
  }

  async function get(userId: string, connectionId: string, rejected: string | null, signal: AbortSignal) {
    for (let round = 1; ; round += 1) {
      const stored = await getConnection(db, userId, connectionId)
      const { connection } = stored
      if (connection.state === 'reconnect') throw reconnectRequired(context, connection.provider)
      const tokens = await findTokens(db, userId, connection, sealing)
      if (!tokens) return { accessToken: null, expiresAt: null }
      if (isUsable(tokens, rejected, new Date())) return pick(tokens)
      const outcome = await orAborted(refreshOnce(userId, stored, rejected), signal)
      if (outcome.kind === 'dead') throw reconnectRequired(context, connection.provider)
      // A refresh that was under way already may have ended in the very token that was rejected meanwhile.
      // A provider may also give the same one again: then that is what there is.
      if (outcome.kind === 'tokens' && (outcome.tokens.accessToken !== rejected || round === 3)) return pick(outcome.tokens)
    }
  }

  return { get }
}

const pick = ({ accessToken, expiresAt }: Tokens) => ({ accessToken, expiresAt })

function reconnectRequired(context: Context, provider: string): AshevilleError {
  return new AshevilleError('reconnect-required', reconnectReason(findAdapter(context, provider)?.adapter.title ?? provider))
}

async function refresh(context: Context, userId: string, stored: StoredConnection, rejected: string | null): Promise<Outcome> {
  const until = Date.now() + waitMs
  for (;;) {
    const outcome = await refreshLocked(context, userId, stored, rejected)
    if (outcome.kind === 'dead') await announceDead(context, userId, stored, outcome.version)
    if (outcome.kind !== 'locked') return outcome
    if (Date.now() > until) throw new AshevilleError('unavailable', 'The access is being renewed, which takes long', { retryAfterMs: 5000 })
    await delay(pollMs)
  }
}

async function refreshLocked(context: Context, userId: string, stored: StoredConnection, rejected: string | null): Promise<Outcome> {
  const { refreshDb, sealing } = context
  const { connection } = stored
  const seen: { before: StoredTokens | null; fresh: Tokens | null } = { before: null, fresh: null }
  try {
    return await refreshDb.transaction<Outcome>(async (tx) => {
      await tx.query("SET LOCAL idle_in_transaction_session_timeout = '60s'")
      const tokens = await lockTokens(tx, userId, connection, sealing)
      if (tokens === 'locked') return { kind: 'locked' }
      if (!tokens) return { kind: 'none' }
      if (isUsable(tokens, rejected, new Date())) return { kind: 'tokens', tokens }
      seen.before = tokens
      const fresh = await refreshUpstream(context, stored, tokens)
      if (!fresh) return { kind: 'dead', version: tokens.version }
      seen.fresh = fresh
      await putTokens(tx, userId, connection, fresh, sealing)
      return { kind: 'tokens', tokens: fresh }
    })
  } catch (error) {
    const { before, fresh } = seen
    if (before && fresh) return keep(context, userId, stored, before, fresh)
    if (before && kindOf(error) === 'reconnect-required') return { kind: 'dead', version: before.version }
    throw error
  }
}

/** The provider has answered, and the database did not take it: the old refresh token may be dead, so try hard. */
async function keep(
  { db, sealing }: Context,
  userId: string,
  { connection }: StoredConnection,
  before: StoredTokens,
  fresh: Tokens,
): Promise<Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction((tx) => replace(tx, userId, connection, before, fresh, sealing))
    } catch (error) {
      if (attempt >= 20) throw error
      await delay(Math.min(100 * 2 ** attempt, 3000))
    }
  }
}

async function replace(
  tx: Database,
  userId: string,
  connection: StoredConnection['connection'],
  before: StoredTokens,
  fresh: Tokens,
  sealing: Context['sealing'],
): Promise<Outcome> {
  const now = await lockTokens(tx, userId, connection, sealing)
  if (now === 'locked') throw new AshevilleError('unavailable', 'The credential is locked')
  if (!now) return { kind: 'none' }
  // Somebody reconnected, or the first attempt did arrive.
  if (now.version !== before.version) return { kind: 'tokens', tokens: now }
  await putTokens(tx, userId, connection, fresh, sealing)
  return { kind: 'tokens', tokens: fresh }
}

async function announceDead(context: Context, userId: string, { connection }: StoredConnection, version: number): Promise<void> {
  const title = findAdapter(context, connection.provider)?.adapter.title ?? connection.provider
  await context.db.transaction(async (tx) => {
    await lockPerson(tx, userId)
    const { connection: current } = await getConnection(tx, userId, connection.id)
    await markReconnect(tx, userId, current, { reason: reconnectReason(title), version })
  })
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let stop: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
