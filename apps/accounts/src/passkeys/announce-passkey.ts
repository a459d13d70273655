import type { Database } from '@asheville/database'
import type { Context } from '../context.ts'
import { findMailAddress } from '../mail/queries.ts'
import { queueMail } from '../mail/queue-mail.ts'

/** Tells a person by mail that there is another way into their account. */
export async function announcePasskey(
  context: Pick<Context, 'sealing' | 'sendsMail' | 'webUrl'>,
  tx: Database,
  userId: string,
  passkey: string,
): Promise<void> {
  const mailbox = await findMailAddress(tx, userId)
  if (!mailbox) return
  const { to, name, locale } = mailbox
  const at = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(new Date())
  const values = { name, passkey, at: `${at} UTC`, link: `${context.webUrl}/settings/passkeys` }
  await queueMail(context, tx, { userId, to, locale, kind: 'passkey-added', values })
}
