import type { Database } from '@asheville/database'
import type { Context } from '../context.ts'
import { findMailAddress } from './queries.ts'
import { queueMail } from './queue-mail.ts'
import type { Mail, MailKind, MailValues } from './mails.ts'

/** What a mail may say of its reader and its moment: `at` is now, in words. */
interface About {
  name: string
  locale: string
  at: string
}

/** Queues a mail that tells the person what has just happened to their account, where they have an address that is theirs. */
export async function mailPerson<Kind extends MailKind>(
  context: Pick<Context, 'sealing' | 'sendsMail'>,
  tx: Database,
  userId: string,
  kind: Kind,
  valuesOf: (about: About) => MailValues[Kind],
): Promise<void> {
  const mailbox = await findMailAddress(tx, userId)
  if (!mailbox) return
  const { to, name, locale } = mailbox
  const at = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(new Date())
  const mail = { userId, to, locale, kind, values: valuesOf({ name, locale, at: `${at} UTC` }) }
  await queueMail(context, tx, mail as Mail)
}
