import type { Closing } from '@asheville/clients'
import { asService, type Database } from '@asheville/database'
import { hashToken } from '../tokens.ts'

type Step = Closing['step']

/** One access that was given: a connection's, or one that was still to be confirmed. */
export type Grant = Closing['grants'][number] & { id: string; of: 'connection' | 'parked' }

/** What is written down of a closing while it goes on. Ids of grants are taken out at the end. */
export interface Report extends Pick<Closing, 'jobs' | 'sessions' | 'storages' | 'forgotten' | 'rows'> {
  grants: Grant[]
}

/** A closing that is under way. */
export interface OpenClosing {
  id: string
  userId: string
  step: Step
  removesFiles: boolean
  attempts: number
  ageMs: number
  report: Report
}

/** How long a provider that does not answer is asked again. */
export const revokeForMs = 24 * 3_600_000
const reportDays = 30

export async function addClosing(
  tx: Database,
  userId: string,
  closing: { id: string; linkToken: string; removesFiles: boolean; report: Report },
): Promise<void> {
  await tx.query('INSERT INTO closings (id, user_id, token_hash, removes_files, report) VALUES ($1, $2, $3, $4, $5)', [
    closing.id,
    userId,
    hashToken(closing.linkToken),
    closing.removesFiles,
    JSON.stringify(closing.report),
  ])
}

/** Whether this very closing of this person was begun, and perhaps is done. */
export async function isBegun(db: Database, userId: string, linkToken: string): Promise<boolean> {
  // Once it is done, it is nobody's any more.
  const rows = await asService(() =>
    db.query('SELECT FROM closings WHERE token_hash = $2 AND (user_id = $1 OR user_id IS NULL)', [userId, hashToken(linkToken)]),
  )
  return rows.length > 0
}

interface ReportRow extends Pick<Closing, 'step' | 'startedAt' | 'finishedAt' | 'revokesUntil'> {
  report: Omit<Report, 'grants'> & { grants: (Grant | Closing['grants'][number])[] }
}

/** The report behind a link; null when there is none, or no more. */
export async function findReport(db: Database, linkToken: string): Promise<Closing | null> {
  const [row] = await db.query<ReportRow>(
    `SELECT step, created_at AS "startedAt", finished_at AS "finishedAt", report,
       created_at + $2 * interval '1 millisecond' AS "revokesUntil"
     FROM closings WHERE token_hash = $1 AND (finished_at IS NULL OR finished_at > now() - $3 * interval '1 day')`,
    [hashToken(linkToken), revokeForMs, reportDays],
  )
  if (!row) return null
  const { report, ...rest } = row
  return { ...rest, ...report, grants: report.grants.map(nameless) }
}

const nameless = ({ provider, server, outcome, reason, tries }: Closing['grants'][number]) => ({ provider, server, outcome, reason, tries })

/** Those that something can be done about now. */
export async function listOpen(db: Database, limit: number): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    'SELECT id FROM closings WHERE finished_at IS NULL AND claimable_at <= now() ORDER BY claimable_at LIMIT $1',
    [limit],
  )
  return rows.map(({ id }) => id)
}

/** Locks it until the transaction ends; null when it is done, not due, or another process has it. */
export async function lockOpen(tx: Database, id: string): Promise<OpenClosing | null> {
  const [closing] = await tx.query<OpenClosing>(
    `SELECT id, user_id AS "userId", step, removes_files AS "removesFiles", attempts, report,
       (extract(epoch FROM now() - created_at) * 1000)::float8 AS "ageMs"
     FROM closings WHERE id = $1 AND user_id IS NOT NULL AND finished_at IS NULL AND claimable_at <= now() FOR UPDATE SKIP LOCKED`,
    [id],
  )
  return closing ?? null
}

/** On to the next step. */
export async function moveTo(tx: Database, { id }: Pick<OpenClosing, 'id'>, step: Step): Promise<void> {
  await tx.query('UPDATE closings SET step = $2, attempts = 0, claimable_at = now() WHERE id = $1', [id, step])
}

/** The step could not be ended; it is tried again after that time. */
export async function waitFor(tx: Database, { id }: Pick<OpenClosing, 'id'>, ms: number): Promise<void> {
  await tx.query(
    `UPDATE closings SET attempts = attempts + 1, claimable_at = clock_timestamp() + $2 * interval '1 millisecond' WHERE id = $1`,
    [id, ms],
  )
}

export async function saveReport(tx: Database, { id, report }: Pick<OpenClosing, 'id' | 'report'>): Promise<void> {
  await tx.query('UPDATE closings SET report = $2 WHERE id = $1', [id, JSON.stringify(report)])
}

/** Adds what was forgotten elsewhere; said again, the first stays. Nothing for a person whose account is not being closed. */
export async function addForgotten(db: Database, userId: string, forgotten: NonNullable<Closing['forgotten']>): Promise<void> {
  await db.query(
    `UPDATE closings SET report = jsonb_set(report, '{forgotten}', $2::jsonb), claimable_at = now()
     WHERE user_id = $1 AND step = 'forget' AND report->'forgotten' = 'null'`,
    [userId, JSON.stringify(forgotten)],
  )
}

/** What is left is the tombstone and its report. The person's row is deleted before. */
export async function finish(tx: Database, { id, report }: Pick<OpenClosing, 'id' | 'report'>): Promise<void> {
  const last = { ...report, grants: report.grants.map(nameless) }
  await tx.query("UPDATE closings SET step = 'done', finished_at = now(), report = $2 WHERE id = $1", [id, JSON.stringify(last)])
}

/** Reports whose time is over: the tombstone stays. */
export async function clearReports(db: Database): Promise<void> {
  await db.query(
    `UPDATE closings SET token_hash = NULL, report = '{}' WHERE token_hash IS NOT NULL AND finished_at <= now() - $1 * interval '1 day'`,
    [reportDays],
  )
}
