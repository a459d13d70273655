import type { Database } from '@asheville/database'
import type { Context } from '../context.ts'
import { queueMail } from '../mail/queue-mail.ts'
import { randomToken } from '../tokens.ts'
import { addLink } from './queries.ts'

/** Asks by mail whether this address is the person's; nothing where this server sends no mail. */
export async function sendVerificationLink(
  context: Pick<Context, 'sealing' | 'sendsMail' | 'webUrl'>,
  tx: Database,
  { id: userId, name, locale }: { id: string; name: string; locale: string },
  email: string,
): Promise<void> {
  if (!context.sendsMail) return
  const token = randomToken()
  await addLink(tx, userId, { token, purpose: 'verify-email', email, minutes: 24 * 60 })
  const link = `${context.webUrl}/verify-email?token=${token}`
  await queueMail(context, tx, { userId, to: email, locale, kind: 'verify-email', values: { name, link } })
}
