import type { Database } from '@asheville/database'
import type { Context } from '../context.ts'
import { finish, lockOpen, moveTo, saveReport, waitFor, type OpenClosing } from './closings.ts'
import { isOurs } from './close-account.ts'
import {
  askToForget,
  breakAllLeases,
  countHolders,
  deletePerson,
  dropIdentity,
  hasEndedSessions,
  listGrants,
  listQueued,
} from './queries.ts'
import { listConnections } from '../queries/connections.ts'
import { revokeGrant } from './revoke-grant.ts'

/** Longer than any lease: whoever has renewed theirs until now in spite of having been told is cut off. */
const holdersMs = 45_000
const pollMs = 500
/** So many polls after which the conductor is asked again to forget: whoever did it may have died. */
const askAgainAfter = 20
const longestWaitMs = 600_000

/**
 * Takes the closing of an account one step further, in a transaction that keeps it locked: a process that dies in between
 * leaves all as it was, and the next one takes the step again. Answers whether more can be done at once.
 */
export async function takeStep(context: Context, id: string): Promise<boolean> {
  return context.refreshDb.transaction(async (tx) => {
    await tx.query("SET LOCAL idle_in_transaction_session_timeout = '60s'")
    const closing = await lockOpen(tx, id)
    if (!closing || closing.step === 'done') return false
    return steps[closing.step](context, tx, closing)
  })
}

type Take = (context: Context, tx: Database, closing: OpenClosing) => Promise<boolean>

const steps: Record<Exclude<OpenClosing['step'], 'done'>, Take> = { stop, forget, revoke, delete: remove }

/** Nobody works for the person any more before anything is taken away. */
async function stop(_: Context, tx: Database, closing: OpenClosing): Promise<boolean> {
  const { userId } = closing
  if (closing.ageMs < holdersMs && (await countHolders(tx, userId)) > 0) return later(tx, closing, pollMs)
  await breakAllLeases(tx, userId)
  await ask(tx, closing)
  await moveTo(tx, closing, 'forget')
  return true
}

/** The queues, Redis and platform. It comes before the tokens: what needs none does not wait for a provider that does not answer. */
async function forget(_: Context, tx: Database, closing: OpenClosing): Promise<boolean> {
  if (closing.report.forgotten === null) {
    if (closing.attempts % askAgainAfter === askAgainAfter - 1) await ask(tx, closing)
    return later(tx, closing, pollMs)
  }
  await dropIdentity(tx, closing.userId)
  await moveTo(tx, closing, 'revoke')
  return true
}

async function ask(tx: Database, { userId, removesFiles }: OpenClosing): Promise<void> {
  const storages = removesFiles ? await listConnections(tx, userId, 'storage') : []
  await askToForget(tx, userId, { ...(await listQueued(tx, userId)), removes: storages.filter(isOurs).map(({ id }) => id) })
}

/** One access at a time, those that were tried least first; each is noted in the transaction that deletes its tokens. */
async function revoke(context: Context, tx: Database, closing: OpenClosing): Promise<boolean> {
  const { report, attempts } = closing
  const known = new Set(report.grants.map(({ id }) => id))
  const late = (await listGrants(tx, closing.userId)).filter(({ id }) => !known.has(id))
  report.grants.push(...late)
  const pending = report.grants.filter(({ outcome }) => outcome === 'pending')
  if (pending.length === 0) {
    await saveReport(tx, closing)
    await moveTo(tx, closing, 'delete')
    return true
  }
  const grant = pending.find(({ tries }) => tries <= attempts)
  if (!grant) return later(tx, closing, Math.min(1000 * 2 ** attempts, longestWaitMs))
  const tried = await revokeGrant(context, tx, closing, grant)
  report.grants = report.grants.map((one) => (one === grant ? tried : one))
  await saveReport(tx, closing)
  return true
}

/** All that is left, at once. A session that Redis may still believe in is waited for: nothing else would end it there. */
async function remove(_: Context, tx: Database, closing: OpenClosing): Promise<boolean> {
  const { userId, report, attempts } = closing
  if (await hasEndedSessions(tx, userId)) return later(tx, closing, Math.min(pollMs * (attempts + 1), 30_000))
  report.rows = await deletePerson(tx, userId)
  await finish(tx, closing)
  return false
}

async function later(tx: Database, closing: OpenClosing, ms: number): Promise<false> {
  await waitFor(tx, closing, ms)
  return false
}
