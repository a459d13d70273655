import { randomUUID } from 'node:crypto'
import type { Database } from '@asheville/database'
import type { Context } from '../context.ts'
import { addMail } from './queries.ts'
import type { Mail } from './mails.ts'

/**
 * Puts a mail down in the caller's transaction; once that is committed it is sent, and tried again for three days where it
 * cannot be. It is dropped where this server sends no mail (`context.sendsMail`). To whom may be written: a person's address
 * when it is verified (`findMailAddress`), any other only for `verify-email` and `reset-password`.
 */
export async function queueMail({ sealing, sendsMail }: Pick<Context, 'sealing' | 'sendsMail'>, tx: Database, mail: Mail): Promise<void> {
  if (!sendsMail) return
  const { userId, kind, to, locale, values } = mail
  // What says goodbye is still to be sent when the person's rows are gone.
  await addMail(tx, kind === 'account-closed' ? null : userId, { id: randomUUID(), kind, to, locale, values }, sealing)
}
