import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'

/** What an authenticator is told, and what a test may have it do otherwise than it should. */
export interface Ceremony {
  challenge: string
  origin: string
  rpId: string
  /** What the client says that this is; as it should be unless given. */
  type?: string
  /** Whether the person proved who they are; they did unless said otherwise. */
  isVerified?: boolean
  /** What it counts up to; one more than last time unless given. */
  counter?: number
  /** Another key than its own. */
  key?: KeyObject
}

/** Everything as base64url. */
export interface MadeCredential {
  credentialId: string
  clientDataJSON: string
  attestationObject: string
  transports: string[]
}

export interface SignedCredential {
  credentialId: string
  clientDataJSON: string
  authenticatorData: string
  signature: string
  userHandle: string
}

export interface SoftwarePasskey {
  make(ceremony: Ceremony & { userHandle: string; attestation?: Cbor }): MadeCredential
  sign(ceremony: Ceremony & { userHandle?: string }): SignedCredential
}

/** One ES256 credential of an authenticator in memory, as WebAuthn Level 3 has its answers. Nothing of the product's is used. */
export function createSoftwarePasskey(): SoftwarePasskey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const id = randomBytes(32)
  let counter = 0
  let handle = ''

  // RFC 9053 §2.1: EC2, ES256, P-256.
  const coseKey = new Map<number, Cbor>([
    [1, 2],
    [3, -7],
    [-1, 1],
    [-2, Buffer.from(x, 'base64url')],
    [-3, Buffer.from(y, 'base64url')],
  ])
  const attested = Buffer.concat([Buffer.alloc(16), uint16(id.length), id, encodeCbor(coseKey)])

  const authenticatorData = ({ rpId, isVerified = true, counter: given }: Ceremony, data: Buffer | null): Buffer => {
    counter = given ?? counter + 1
    const flags = 0x01 | (isVerified ? 0x04 : 0) | (data ? 0x40 : 0)
    return Buffer.concat([sha256(rpId), Buffer.of(flags), uint32(counter), data ?? Buffer.alloc(0)])
  }

  return {
    make(ceremony) {
      handle = ceremony.userHandle
      const attestationObject = new Map<string, Cbor>([
        ['fmt', ceremony.attestation ? 'packed' : 'none'],
        ['attStmt', ceremony.attestation ?? new Map()],
        ['authData', authenticatorData(ceremony, attested)],
      ])
      return {
        credentialId: id.toString('base64url'),
        clientDataJSON: clientData('webauthn.create', ceremony).toString('base64url'),
        attestationObject: encodeCbor(attestationObject).toString('base64url'),
        transports: ['internal'],
      }
    },
    sign(ceremony) {
      const client = clientData('webauthn.get', ceremony)
      const data = authenticatorData(ceremony, null)
      const signature = sign('sha256', Buffer.concat([data, sha256(client)]), ceremony.key ?? privateKey)
      return {
        credentialId: id.toString('base64url'),
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle: ceremony.userHandle ?? handle,
      }
    },
  }
}

function clientData(usual: string, { type = usual, challenge, origin }: Ceremony): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }))
}

type Cbor = number | string | Uint8Array | readonly Cbor[] | ReadonlyMap<number | string, Cbor>

/** RFC 8949, as much of it as authenticators write. */
function encodeCbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  if (value instanceof Map) {
    const entries: [number | string, Cbor][] = [...value]
    return Buffer.concat([head(5, entries.length), ...entries.flat().map(encodeCbor)])
  }
  const items = value as readonly Cbor[]
  return Buffer.concat([head(4, items.length), ...items.map(encodeCbor)])
}

function head(major: number, length: number): Buffer {
  if (length < 24) return Buffer.of((major << 5) | length)
  return length < 256 ? Buffer.of((major << 5) | 24, length) : Buffer.concat([Buffer.of((major << 5) | 25), uint16(length)])
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const sha256 = (data: string | Uint8Array): Buffer => createHash('sha256').update(data).digest()
