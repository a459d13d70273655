import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@asheville/service'
import type { Context } from '../context.ts'
import { answerResetRequest } from '../profile/answer-reset-request.ts'
import { MailRefusal, type Mailer } from './mailer.ts'
import { composeMail } from './mails.ts'
import { claimMails, delayMail, openMail, removeMail, type ClaimedMail, type QueuedKind } from './queries.ts'

const pollMs = 500
const batch = 5
/** Longer than any attempt to send: whoever claimed a mail before that has sent it, given it back, or is dead. */
const holdMs = 120_000
const firstWaitMs = 15_000
const longestWaitMs = 3_600_000
const stopMs = 5000

const days = 24 * 3_600_000
/** After that a mail is of no use any more: a link in it has expired, or it is no news. */
const keptMs: Partial<Record<QueuedKind, number>> = { 'reset-request': 30 * 60_000, 'reset-password': 30 * 60_000, 'verify-email': days }

/**
 * Sends what is queued, until stopped. Each mail is claimed by one process and sent outside of any transaction, tried again
 * with growing waits, and given up when it is final or its time is over. A process that dies between sending a mail and
 * noting it, or a mail server that takes it too late, is why one may arrive twice, with the same Message-ID.
 */
export function startSending(
  context: Pick<Context, 'db' | 'sealing' | 'sendsMail' | 'webUrl'>,
  mailer: Mailer,
  log: Logger,
): { stop(): Promise<void> } {
  const { db, sealing, webUrl } = context
  const stopping = new AbortController()
  let isDown = false

  async function attempt(claimed: ClaimedMail): Promise<void> {
    const { id, kind, attempts, ageMs } = claimed
    try {
      const { to, locale, values } = openMail(claimed, sealing)
      if (kind === 'reset-request') return await answerResetRequest(context, { id, to })
      await mailer.send({ id, to, ...composeMail({ kind, locale, values }, webUrl) })
    } catch (error) {
      const isFinal = error instanceof MailRefusal && error.isFinal
      const facts = error instanceof MailRefusal ? error.facts : { error }
      if (isFinal || ageMs > (keptMs[kind] ?? 3 * days)) {
        log.warn({ mailId: id, kind, attempts: attempts + 1, ...facts }, 'a mail was given up')
        await removeMail(db, id)
        return
      }
      if (!isDown) log.warn({ mailId: id, kind, ...facts }, 'mail cannot be sent; it is tried again')
      isDown = true
      const waitMs = Math.min(firstWaitMs * 2 ** attempts, longestWaitMs)
      return delayMail(db, id, waitMs * (0.8 + 0.4 * Math.random()))
    }
    if (isDown) log.info('mail can be sent again')
    isDown = false
    await removeMail(db, id)
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let claimed: ClaimedMail[] = []
      try {
        claimed = await claimMails(db, batch, holdMs)
        await Promise.all(claimed.map(attempt))
      } catch (error) {
        log.debug({ error }, 'mail could not be read or noted')
        claimed = []
      }
      // Those that failed wait for their own time, so what is claimed next is always something else.
      if (claimed.length === 0) await delay(pollMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  const running = run()
  return {
    async stop() {
      stopping.abort()
      await Promise.race([running, delay(stopMs, undefined, { ref: false })])
      mailer.close()
    },
  }
}
