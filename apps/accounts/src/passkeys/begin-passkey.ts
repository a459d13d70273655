import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { confirmPerson } from '../profile/confirm-person.ts'
import { getUser } from '../queries/users.ts'
import { isSessionOf } from '../sessions/queries.ts'
import { randomToken } from '../tokens.ts'
import { addOwnChallenge, answerMs } from './challenges.ts'
import { listCredentials } from './queries.ts'
import { relyingPartyOf, userHandleOf } from './relying-party.ts'
import { algorithms } from './verify.ts'

const maxPasskeys = 50

export function handleBeginPasskey({ db, webUrl }: Pick<Context, 'db' | 'webUrl'>): Handler<typeof accountsRoutes.beginPasskey> {
  return async ({ userId, body: { sessionId, current } }) => {
    const party = relyingPartyOf(webUrl)
    if (!(await isSessionOf(db, userId, sessionId))) throw new AshevilleError('forbidden', 'This session has ended. Sign in again')
    await confirmPerson({ db }, userId, { sessionId, current })
    const user = await getUser(db, userId)
    const known = await listCredentials(db, userId)
    if (known.length >= maxPasskeys) {
      throw new AshevilleError('conflict', `${maxPasskeys} passkeys are kept at most. Remove one that you no longer use`)
    }
    const challenge = randomToken()
    await addOwnChallenge(db, userId, sessionId, challenge)
    return {
      challenge,
      rp: { id: party.id, name: 'Asheville' },
      user: { id: userHandleOf(userId), name: user.email ?? user.name, displayName: user.name },
      pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
      timeout: answerMs,
      excludeCredentials: known.map(({ credentialId, transports }) => ({
        id: Buffer.from(credentialId).toString('base64url'),
        type: 'public-key',
        transports,
      })),
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
    }
  }
}
