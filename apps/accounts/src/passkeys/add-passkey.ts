import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { mailPerson } from '../mail/mail-person.ts'
import { takeOwnChallenge } from './challenges.ts'
import { addPasskey } from './queries.ts'
import { relyingPartyOf } from './relying-party.ts'
import { verifyMade } from './verify.ts'

export function handleAddPasskey(context: Context): Handler<typeof accountsRoutes.addPasskey> {
  const { db, webUrl } = context
  return async ({ userId, body: { sessionId, name, ...answer } }) => {
    const made = await verifyMade(relyingPartyOf(webUrl), answer, (challenge) => takeOwnChallenge(db, userId, sessionId, challenge))
    if (!made) {
      throw new AshevilleError('forbidden', 'This is not the passkey that you began to add here in the last five minutes. Add it again')
    }
    return db.transaction(async (tx) => {
      const passkey = await addPasskey(tx, userId, name, made)
      const link = `${webUrl}/settings/passkeys`
      await mailPerson(context, tx, userId, 'passkey-added', (about) => ({ name: about.name, passkey: name, at: about.at, link }))
      return passkey
    })
  }
}
