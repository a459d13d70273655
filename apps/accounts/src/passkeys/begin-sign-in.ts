import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { addressBlock } from '../address-block.ts'
import type { Context } from '../context.ts'
import { countAttempt } from '../queries/throttles.ts'
import { randomToken } from '../tokens.ts'
import { addVisitorChallenge, answerMs } from './challenges.ts'
import { relyingPartyOf } from './relying-party.ts'

/** Every view of the sign-in page begins, so that browsers may offer a passkey by themselves. */
const perAddress = { limit: 1000, windowMs: 15 * 60_000 }

export function handleBeginPasskeySignIn({
  db,
  webUrl,
}: Pick<Context, 'db' | 'webUrl'>): Handler<typeof accountsRoutes.beginPasskeySignIn> {
  return async ({ body: { visitor, device } }) => {
    const party = relyingPartyOf(webUrl)
    await countAttempt(db, { key: `passkey begin address ${addressBlock(device.address)}`, ...perAddress })
    const challenge = randomToken()
    await addVisitorChallenge(db, visitor, challenge)
    return { challenge, rpId: party.id, timeout: answerMs, userVerification: 'required' }
  }
}
