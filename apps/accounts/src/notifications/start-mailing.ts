import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@asheville/service'
import type { Context } from '../context.ts'
import { findMailAddress } from '../mail/queries.ts'
import { queueMail } from '../mail/queue-mail.ts'
import { composeNotification } from './compose.ts'
import { takeMailable } from './queries.ts'

const pollMs = 500
const batch = 20

type Needs = Pick<Context, 'db' | 'sealing' | 'sendsMail' | 'networks' | 'storages' | 'webUrl'>

/**
 * Queues the mails of notifications, until stopped: each once, as taking it and queueing its mail are one transaction. It is dropped
 * where this server sends no mail, and for people who have not confirmed an address.
 */
export function startMailing(context: Needs, log: Logger): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const { signal } = stopping

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const taken = await queueDue(context).catch((error: unknown) => {
        log.debug({ error }, 'mails of notifications were not queued')
        return 0
      })
      if (taken < batch) await delay(pollMs, undefined, { signal }).catch(() => undefined)
    }
  }

  const running = run()
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}

function queueDue(context: Needs): Promise<number> {
  return context.db.transaction(async (tx) => {
    const taken = await takeMailable(tx, batch)
    for (const { userId, ...told } of taken) {
      const person = await findMailAddress(tx, userId)
      if (!person) continue
      const { to, name, locale } = person
      await queueMail(context, tx, {
        userId,
        to,
        locale,
        kind: 'notification',
        values: { name, ...composeNotification(context, told, locale) },
      })
    }
    return taken.length
  })
}
