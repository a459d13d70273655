import { setTimeout as sleep } from 'node:timers/promises'
import { AshevilleError, kindOf } from '@asheville/core'
import { asPerson, type Database } from '@asheville/database'
import { errorFields, type Logger } from '@asheville/service'
import type { KeptReplies } from './kept-replies.ts'
import type { PageCache } from './page-cache.ts'
import { claimVerification, endVerification, holdVerification, restVerification, type Due } from './queries/verifications.ts'
import type { StorageOf } from './storage-access.ts'
import type { FreshQueue } from './words/fresh-items.ts'
import { verifyCopies } from './verify-copies.ts'

export interface VerifierParts {
  db: Database
  storageOf: StorageOf
  cache: PageCache
  replies: Pick<KeptReplies, 'drop'>
  fresh: FreshQueue
  logger: Logger
  now(): Date
}

export interface Verifier {
  /** Something may be due. */
  wake(): void
  close(): Promise<void>
}

/** Should we die, another takes over after this. */
const holdMs = 20_000
/** After so long others have their turn. */
const sliceMs = 10_000
const pollMs = 2000
const retryMs = 60_000
/** Only the person can do something about these. */
const hopeless = ['invalid', 'not-found', 'reconnect-required', 'forbidden', 'unauthenticated']

/** Looks through people's storages in the background, one after the other, as long as anybody wants it. */
export function startVerifier(parts: VerifierParts): Verifier {
  const closing = new AbortController()
  let waking = new AbortController()

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const due = await claimVerification(parts.db, holdMs).catch((error: unknown) => {
        parts.logger.debug({ error: errorFields(error) }, 'what is to be verified cannot be asked for')
        return null
      })
      if (due) await asPerson(due.userId, () => work(parts, due, closing.signal))
      else {
        await sleep(pollMs, undefined, { signal: AbortSignal.any([closing.signal, waking.signal]) }).catch(() => undefined)
        if (waking.signal.aborted) waking = new AbortController()
      }
    }
  }

  const running = run()
  return {
    wake: () => waking.abort(),
    async close() {
      closing.abort()
      await running
    },
  }
}

async function work(parts: VerifierParts, due: Due, closing: AbortSignal): Promise<void> {
  const { db, logger } = parts
  const holding = setInterval(() => void holdVerification(db, due, holdMs).catch(() => undefined), holdMs / 3)
  try {
    const { storage } = await parts.storageOf(due.userId, due.storageId)
    const isDone = await verifyCopies({ ...parts, storage, due, signal: closing }, Date.now() + sliceMs)
    if (isDone) await endVerification(db, due, { state: 'done', reason: null })
    else await restVerification(db, due, 0, null)
  } catch (error) {
    if (!closing.aborted) logger.info({ storageId: due.storageId, error: errorFields(error) }, 'verifying copies broke off')
    await giveBack(db, due, error, closing).catch(() => undefined)
  } finally {
    clearInterval(holding)
    await parts.replies.drop(due.userId)
  }
}

async function giveBack(db: Database, due: Due, error: unknown, closing: AbortSignal): Promise<void> {
  if (closing.aborted) return restVerification(db, due, 0, null)
  const reason = error instanceof AshevilleError && error.kind !== 'unexpected' ? error.message : 'Something went wrong'
  if (hopeless.includes(kindOf(error))) return endVerification(db, due, { state: 'failed', reason })
  const told = error instanceof AshevilleError ? error.retryAfterMs : undefined
  await restVerification(db, due, told ?? retryMs, reason)
}
