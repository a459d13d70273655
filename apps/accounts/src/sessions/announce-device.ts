import type { Database } from '@asheville/database'
import type { Context } from '../context.ts'
import { mailPerson } from '../mail/mail-person.ts'
import { deviceName } from './device-name.ts'
import type { Device } from './open-session.ts'

/** Tells a person by mail that somebody has signed in as them from where they have not been before. */
export async function announceDevice(
  context: Pick<Context, 'sealing' | 'sendsMail' | 'webUrl' | 'places'>,
  tx: Database,
  userId: string,
  { userAgent, address }: Device,
): Promise<void> {
  const { browser, system } = deviceName(userAgent)
  await mailPerson(context, tx, userId, 'new-device', ({ name, locale, at }) => {
    const place = context.places.find(address, locale)
    return {
      name,
      device: [browser, system].filter((part) => part !== null).join(', ') || '–',
      address: place === null ? address : `${address} (${place})`,
      at,
      link: `${context.webUrl}/settings/sessions`,
    }
  })
}
