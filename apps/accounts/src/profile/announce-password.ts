import type { Database } from '@asheville/database'
import type { Context } from '../context.ts'
import { findMailAddress } from '../mail/queries.ts'
import { queueMail } from '../mail/queue-mail.ts'

/** Tells a person by mail that their password is another one now. */
export async function announcePassword(
  context: Pick<Context, 'sealing' | 'sendsMail' | 'webUrl'>,
  tx: Database,
  userId: string,
): Promise<void> {
  const mailbox = await findMailAddress(tx, userId)
  if (!mailbox) return
  const { to, name, locale } = mailbox
  const at = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(new Date())
  const values = { name, at: `${at} UTC`, link: `${context.webUrl}/forgot-password` }
  await queueMail(context, tx, { userId, to, locale, kind: 'password-changed', values })
}
