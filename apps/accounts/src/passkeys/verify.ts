import { AshevilleError } from '@asheville/core'
import type { NewPasskey, StoredPasskey } from './queries.ts'
import type { RelyingParty } from './relying-party.ts'

/** EdDSA, ES256, RS256 (IANA's numbers of COSE algorithms): between them every authenticator that there is. */
export const algorithms = [-8, -7, -257]

/** What a browser answers when a passkey was made; everything is base64url. */
export interface MadeAnswer {
  credentialId: string
  clientDataJSON: string
  attestationObject: string
  transports: string[]
}

/** What a browser answers when a passkey has signed; everything is base64url. */
export interface SignedAnswer {
  credentialId: string
  clientDataJSON: string
  authenticatorData: string
  signature: string
}

/** Loaded when first needed: its parts for certificates, which no passkey of ours has, take 28 MB in every process. */
const load = async () => ({ ...(await import('@simplewebauthn/server')), ...(await import('@simplewebauthn/server/helpers')) })

/**
 * The passkey that an authenticator made for this relying party, the person having proved to it who they are. Null when it
 * is anything else. `isAsked` says whether this is the challenge; what it throws is thrown.
 */
export async function verifyMade(
  party: RelyingParty,
  answer: MadeAnswer,
  isAsked: (challenge: string) => Promise<boolean>,
): Promise<NewPasskey | null> {
  const { verifyRegistrationResponse, decodeAttestationObject, isoCBOR, isoBase64URL } = await load()
  const { credentialId, clientDataJSON, transports } = answer
  return orNull(async () => {
    // Who made the authenticator was not asked: what is said of it is left out, so that no maker's certificate has to be right, nor is fetched.
    const authData = decodeAttestationObject(isoBase64URL.toBuffer(answer.attestationObject)).get('authData')
    const unattested: Parameters<typeof isoCBOR.encode>[0] = new Map()
    unattested.set('fmt', 'none').set('attStmt', new Map()).set('authData', authData)
    const attestationObject = isoBase64URL.fromBuffer(isoCBOR.encode(unattested))
    const { registrationInfo: made } = await verifyRegistrationResponse({
      response: {
        id: credentialId,
        rawId: credentialId,
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON, attestationObject },
      },
      expectedChallenge: isAsked,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    })
    if (made?.credential.id !== credentialId) return null
    return {
      credentialId: Buffer.from(credentialId, 'base64url'),
      publicKey: made.credential.publicKey,
      counter: made.credential.counter,
      transports,
      deviceType: made.credentialDeviceType === 'multiDevice' ? 'multi-device' : 'single-device',
      isBackedUp: made.credentialBackedUp,
    }
  })
}

/** What a passkey signed for this relying party, the person having proved who they are. Null when it is anything else. */
export async function verifySigned(
  party: RelyingParty,
  answer: SignedAnswer,
  { publicKey }: Pick<StoredPasskey, 'publicKey'>,
  isAsked: (challenge: string) => Promise<boolean>,
): Promise<{ counter: number; isBackedUp: boolean } | null> {
  const { verifyAuthenticationResponse } = await load()
  const { credentialId, clientDataJSON, authenticatorData, signature } = answer
  return orNull(async () => {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        id: credentialId,
        rawId: credentialId,
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON, authenticatorData, signature },
      },
      expectedChallenge: isAsked,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true,
      // The counter is compared where it is stored, after the signature.
      credential: { id: credentialId, publicKey: new Uint8Array(publicKey), counter: 0 },
    })
    return verified ? { counter: authenticationInfo.newCounter, isBackedUp: authenticationInfo.credentialBackedUp } : null
  })
}

/** The library throws whatever is wrong with an answer; of ours only what is not about it. */
async function orNull<T>(verify: () => Promise<T | null>): Promise<T | null> {
  try {
    return await verify()
  } catch (error) {
    if (error instanceof AshevilleError) throw error
    return null
  }
}
