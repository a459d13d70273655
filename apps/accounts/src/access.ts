import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { AshevilleError, kindOf, type Tokens } from '@asheville/core'
import type { Database } from '@asheville/database'
import { refreshUpstream } from './connect/refresh-upstream.ts'
import { findAdapter, type Context } from './context.ts'
import { getConnection, type StoredConnection } from './queries/connections.ts'
import { findTokens, lockMarked, lockTokens, markRefreshing, putTokens, type StoredTokens } from './queries/credentials.ts'
import { lockEvenClosing } from './queries/users.ts'
import { markReconnect, reconnectReason } from './streams/end-work.ts'
import { isUsable } from './usable-token.ts'

/** Longer than the slowest provider that is waited for: whoever holds the lock has answered or given up by then. */
const waitMs = 50_000
const pollMs = 100
/** Whoever has lost the lock and lives stores what the provider gave within this time of Postgres being there again. */
const graceMs = 5_000
const longestPauseMs = 1_000

type Outcome = { kind: 'tokens'; tokens: Tokens } | { kind: 'none' } | { kind: 'dead'; version: number }
/** `locked`: somebody asks the provider. `marked`: somebody did, and has lost the lock. */
type Attempt = Outcome | { kind: 'locked' } | { kind: 'marked'; by: string }

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
  /** Renews an access token whose time to be renewed has come, although it is still good; a dead grant is told as above. */
  renew(userId: string, connectionId: string): Promise<void>
  /** Waits until every refresh under way is stored or has failed. */
  settle(): Promise<void>
}

/**
 * Hands out access tokens, and refreshes them once however many ask: of the callers in this process one goes on, of several
 * processes the one that has the credential's row locked (RULES 18, 19). The others find the new token.
 */
export function createAccess(context: Context): Access {
  const { db, sealing } = context
  const refreshing = new Map<string, Promise<Outcome>>()
  const self = randomUUID()

  function refreshOnce(userId: string, stored: StoredConnection, isGood: IsGood): Promise<Outcome> {
    const { id } = stored.connection
    const running = refreshing.get(id)
    if (running) return running
    const started = refresh(context, self, userId, stored, isGood).finally(() => refreshing.delete(id))
    refreshing.set(id, started)
    return started
  }

  async function get(userId: string, connectionId: string, rejected: string | null, signal: AbortSignal) {
    const isGood: IsGood = (tokens) => isUsable(tokens, rejected, new Date())
    for (let round = 1; ; round += 1) {
      const stored = await getConnection(db, userId, connectionId)
      const { connection } = stored
      if (connection.state === 'reconnect') throw reconnectRequired(context, connection.provider)
      const tokens = await findTokens(db, userId, connection, sealing)
      if (!tokens) return { accessToken: null, expiresAt: null }
      if (isGood(tokens)) return pick(tokens)
      const outcome = await orAborted(refreshOnce(userId, stored, isGood), signal)
      if (outcome.kind === 'dead') throw reconnectRequired(context, connection.provider)
      // A refresh that was under way already may have ended in the very token that was rejected meanwhile.
      // A provider may also give the same one again: then that is what there is.
      if (outcome.kind === 'tokens' && (outcome.tokens.accessToken !== rejected || round === 3)) return pick(outcome.tokens)
    }
  }

  async function renew(userId: string, connectionId: string): Promise<void> {
    await refreshOnce(userId, await getConnection(db, userId, connectionId), isEarly)
  }

  return { get, renew, settle: async () => void (await Promise.allSettled(refreshing.values())) }
}

/** Whether what is stored needs no renewing (any more). */
type IsGood = (tokens: StoredTokens) => boolean

const isEarly: IsGood = ({ renewAt }) => renewAt === null || Date.parse(renewAt) > Date.now()

const pick = ({ accessToken, expiresAt }: Tokens) => ({ accessToken, expiresAt })

function reconnectRequired(context: Context, provider: string): AshevilleError {
  return new AshevilleError('reconnect-required', reconnectReason(findAdapter(context, provider)?.adapter.title ?? provider))
}

async function refresh(context: Context, self: string, userId: string, stored: StoredConnection, isGood: IsGood): Promise<Outcome> {
  const until = Date.now() + waitMs
  const lost = { by: '', since: 0 }
  for (;;) {
    const gone = Date.now() - lost.since > graceMs ? lost.by : ''
    const attempt = await tryRefresh(context, { self, gone }, userId, stored, isGood)
    if (attempt.kind === 'dead') await announceDead(context, userId, stored, attempt.version)
    if (attempt.kind !== 'locked' && attempt.kind !== 'marked') return attempt
    const by = attempt.kind === 'marked' ? attempt.by : ''
    if (by !== lost.by) Object.assign(lost, { by, since: Date.now() })
    if (Date.now() > until) throw new AshevilleError('unavailable', 'The access is being renewed, which takes long', { retryAfterMs: 5000 })
    await delay(pollMs)
  }
}

interface Refresher {
  /** Names this process. */
  self: string
  /** One that had time enough to store what it got: it must be dead. Empty: none. */
  gone: string
}

async function tryRefresh(
  context: Context,
  refresher: Refresher,
  userId: string,
  stored: StoredConnection,
  isGood: IsGood,
): Promise<Attempt> {
  const begun = await begin(context, refresher, userId, stored, isGood)
  return begun.kind === 'begun' ? askProvider(context, refresher.self, userId, stored, begun.before) : begun
}

/**
 * Notes, before the provider is asked, that it will be. If Postgres goes away during the call, the lock goes with it, and only
 * this note keeps others from using the refresh token a second time before its successor is stored.
 */
async function begin(
  { db, sealing }: Context,
  { self, gone }: Refresher,
  userId: string,
  { connection }: StoredConnection,
  isGood: IsGood,
): Promise<Attempt | { kind: 'begun'; before: StoredTokens }> {
  return db.transaction(async (tx) => {
    const before = await lockTokens(tx, userId, connection, sealing)
    if (before === 'locked') return { kind: 'locked' }
    if (!before) return { kind: 'none' }
    const { connection: current } = await getConnection(tx, userId, connection.id)
    if (current.state === 'reconnect') return { kind: 'dead', version: before.version }
    if (isGood(before)) return { kind: 'tokens', tokens: before }
    const by = before.refreshing
    if (by !== null && by !== self && by !== gone) return { kind: 'marked', by }
    await markRefreshing(tx, userId, connection.id, self)
    return { kind: 'begun', before }
  })
}

async function askProvider(
  context: Context,
  self: string,
  userId: string,
  stored: StoredConnection,
  before: StoredTokens,
): Promise<Outcome | { kind: 'locked' }> {
  const { db, refreshDb, sealing } = context
  const { connection } = stored
  const seen: { answer: Answer | null } = { answer: null }
  try {
    const isOurs = await refreshDb.transaction(async (tx) => {
      await tx.query("SET LOCAL idle_in_transaction_session_timeout = '60s'")
      if (!(await lockMarked(tx, userId, connection.id, { version: before.version, by: self }))) return false
      seen.answer = await ask(context, stored, before)
      // Of a dead grant the note stays: others wait until the connection says so, and do not try it too.
      if (seen.answer.fresh) await putTokens(tx, userId, connection, seen.answer.fresh, sealing)
      else if (!isDead(seen.answer)) await markRefreshing(tx, userId, connection.id, null)
      return true
    })
    if (!isOurs) return { kind: 'locked' }
  } catch (error) {
    // No call was made: nobody need wait for us.
    if (!seen.answer) await markRefreshing(db, userId, connection.id, null).catch(() => undefined)
    if (!seen.answer) throw error
    if (seen.answer.fresh) return keep(context, userId, stored, before, seen.answer.fresh)
  }
  const { fresh, error } = seen.answer!
  if (fresh) return { kind: 'tokens', tokens: fresh }
  if (error === null || isDead(seen.answer!)) return { kind: 'dead', version: before.version }
  throw error
}

/** New tokens, or why there are none; neither: they cannot be renewed at all. */
interface Answer {
  fresh: Tokens | null
  error: Error | null
}

function isDead({ fresh, error }: Answer): boolean {
  return !fresh && (error === null || kindOf(error) === 'reconnect-required')
}

async function ask(context: Context, stored: StoredConnection, tokens: StoredTokens): Promise<Answer> {
  try {
    return { fresh: await refreshUpstream(context, stored, tokens), error: null }
  } catch (error) {
    return { fresh: null, error: error instanceof Error ? error : new Error(String(error)) }
  }
}

/** The provider has answered, and the database did not take it: the old refresh token may be dead, so it is tried until it is stored. */
async function keep(
  { db, sealing }: Context,
  userId: string,
  { connection }: StoredConnection,
  before: StoredTokens,
  fresh: Tokens,
): Promise<Outcome> {
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await db.transaction((tx) => replace(tx, userId, connection, before, fresh, sealing))
    } catch (error) {
      if (kindOf(error) !== 'unavailable') throw error
      await delay(pauseMs)
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
    await lockEvenClosing(tx, userId)
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
