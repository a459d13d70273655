import type { Database } from '@asheville/database'
import type { Context } from '../context.ts'
import { findMailAddress } from '../mail/queries.ts'
import { queueMail } from '../mail/queue-mail.ts'
import { deviceName } from './device-name.ts'
import type { Device } from './open-session.ts'

/** Tells a person by mail that somebody has signed in as them from where they have not been before. */
export async function announceDevice(
  context: Pick<Context, 'sealing' | 'sendsMail' | 'webUrl' | 'places'>,
  tx: Database,
  userId: string,
  { userAgent, address }: Device,
): Promise<void> {
  const mailbox = await findMailAddress(tx, userId)
  if (!mailbox) return
  const { to, name, locale } = mailbox
  const { browser, system } = deviceName(userAgent)
  const place = context.places.find(address, locale)
  const at = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(new Date())
  const values = {
    name,
    device: [browser, system].filter((part) => part !== null).join(', ') || '–',
    address: place === null ? address : `${address} (${place})`,
    at: `${at} UTC`,
    link: `${context.webUrl}/settings/sessions`,
  }
  await queueMail(context, tx, { userId, to, locale, kind: 'new-device', values })
}
