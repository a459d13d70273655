import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { addressBlock } from '../address-block.ts'
import type { Context } from '../context.ts'
import { countAttempt, forgetAttempts, uncountAttempt } from '../queries/throttles.ts'
import { openSession } from '../sessions/open-session.ts'
import { takeVisitorChallenge } from './challenges.ts'
import { findPasskey, usePasskey } from './queries.ts'
import { relyingPartyOf, userHandleOf } from './relying-party.ts'
import { verifySigned } from './verify.ts'

const windowMs = 15 * 60_000
/** Of one passkey from one place; of all ways in from one place; of one passkey from anywhere. */
const limits = { pair: 10, address: 100, passkey: 100 }

export function handleFinishPasskeySignIn(context: Context): Handler<typeof accountsRoutes.finishPasskeySignIn> {
  const { db, webUrl } = context
  return async ({ log, body: { visitor, device, userHandle, ...answer } }) => {
    const party = relyingPartyOf(webUrl)
    const { credentialId } = answer
    const address = addressBlock(device.address)
    const keys = {
      pair: `passkey pair ${credentialId} ${address}`,
      address: `sign-in address ${address}`,
      passkey: `passkey ${credentialId}`,
    }
    await countAttempt(db, { key: keys.pair, limit: limits.pair, windowMs })
    await countAttempt(db, { key: keys.address, limit: limits.address, windowMs })
    await countAttempt(db, { key: keys.passkey, limit: limits.passkey, windowMs })

    const known = await findPasskey(db, Buffer.from(credentialId, 'base64url'))
    if (!known || userHandle !== userHandleOf(known.userId)) throw refused()
    const signed = await verifySigned(party, answer, known, (challenge) => takeVisitorChallenge(db, visitor, challenge))
    if (!signed) throw refused()
    if (!(await usePasskey(db, known.userId, known.id, signed))) {
      log.warn({ userId: known.userId, passkeyId: known.id }, 'a passkey’s counter went back: refused, there may be a copy of it')
      throw refused()
    }

    await forgetAttempts(db, keys.pair)
    await uncountAttempt(db, keys.address)
    await uncountAttempt(db, keys.passkey)
    return openSession(context, known.userId, device)
  }
}

/** Unknown, removed, another website’s, too late, replayed, forged: all the same to whoever tries. */
function refused(): AshevilleError {
  return new AshevilleError('unauthenticated', 'This passkey does not open an account here')
}
