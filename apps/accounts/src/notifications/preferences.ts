import { notificationChannels, notificationKinds, type accountsRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler, Reply } from '@asheville/service'
import type { Context } from '../context.ts'
import { findMailAddress } from '../mail/queries.ts'
import { lockPerson } from '../queries/users.ts'
import { findPreferences, putPreference } from './queries.ts'

type Needs = Pick<Context, 'db' | 'sendsMail'>

export function handleGetPreferences({ db, sendsMail }: Needs): Handler<typeof accountsRoutes.getNotificationPreferences> {
  return ({ userId }) => read(db, userId, sendsMail)
}

export function handleUpdatePreferences({ db, sendsMail }: Needs): Handler<typeof accountsRoutes.updateNotificationPreferences> {
  return ({ userId, body, checkMatch }) =>
    db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      checkMatch(await read(tx, userId, sendsMail))
      for (const kind of notificationKinds) {
        for (const channel of notificationChannels) {
          const isOn = body.preferences[kind]?.[channel]
          if (isOn !== undefined) await putPreference(tx, userId, { kind, channel, isOn })
        }
      }
      return read(tx, userId, sendsMail)
    })
}

async function read(db: Database, userId: string, sendsMail: boolean): Promise<Reply<typeof accountsRoutes.getNotificationPreferences>> {
  const address = sendsMail ? await findMailAddress(db, userId) : null
  return { preferences: await findPreferences(db, userId), mail: !sendsMail ? 'off' : address ? 'works' : 'unverified' }
}
