import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { AshevilleError } from '@asheville/core'

/** What a secret is bound to: whose it is, of which provider, which field. Opened with other values it is refused. */
export type Binding = readonly string[]

export interface Sealed {
  keyId: string
  /** IV (12 bytes), tag (16), ciphertext. */
  sealed: Uint8Array
}

export interface Sealing {
  /** By the current key. */
  seal(secret: string, binding: Binding): Sealed
  /** Throws `unexpected` when the key is not known, or when anything was changed or is bound elsewhere. */
  open(sealed: Sealed, binding: Binding): string
  readonly keyIds: readonly string[]
  /** The same with one of the keys in front, for what has to be done with each. */
  withKey(keyId: string): Sealing
}

export interface SealingKey {
  id: string
  /** 32 bytes. */
  secret: Uint8Array
}

const ivBytes = 12
const tagBytes = 16

/**
 * AES-256-GCM with a random IV per secret (RULES 20). The first key seals; all of them open, so that keys can be changed
 * while old secrets are still around.
 */
export function createSealing(keys: readonly SealingKey[]): Sealing {
  const current = keys[0]
  if (!current) throw new Error('Sealing needs a key')
  const byId = new Map(keys.map((key) => [key.id, key]))
  if (byId.size !== keys.length) throw new Error('Two sealing keys have the same id')

  function keyOf(id: string): SealingKey {
    const key = byId.get(id)
    if (!key) throw new AshevilleError('unexpected', `There is no sealing key ${id}`)
    return key
  }

  return {
    keyIds: keys.map((key) => key.id),

    seal(secret, binding) {
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', current.secret, iv).setAAD(bytesOf(binding))
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return { keyId: current.id, sealed: Buffer.concat([iv, cipher.getAuthTag(), text]) }
    },

    open({ keyId, sealed }, binding) {
      const key = keyOf(keyId)
      const bytes = Buffer.from(sealed)
      if (bytes.length < ivBytes + tagBytes) throw new AshevilleError('unexpected', 'A sealed value is cut short')
      try {
        const decipher = createDecipheriv('aes-256-gcm', key.secret, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
        decipher.setAAD(bytesOf(binding)).setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
        return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]).toString('utf8')
      } catch (error) {
        throw new AshevilleError('unexpected', `A sealed value cannot be opened by key ${keyId}`, { cause: error })
      }
    },

    withKey: (id) => createSealing([keyOf(id), ...keys.filter((key) => key.id !== id)]),
  }
}

/** JSON, so that no two lists of parts are the same bytes. */
function bytesOf(binding: Binding): Buffer {
  return Buffer.from(JSON.stringify(binding))
}

/**
 * `id:base64` of 32 bytes, comma-separated, the current one first. Throws what is wrong, never a part of a key.
 */
export function readSealingKeys(text: string): SealingKey[] {
  return text.split(',').map((part) => {
    const [id = '', encoded = '', ...rest] = part.trim().split(':')
    const secret = Buffer.from(encoded, 'base64')
    if (!/^[\w.-]{1,40}$/.test(id) || rest.length > 0) throw new Error('each key must be written as id:base64')
    if (secret.length !== 32) throw new Error(`key ${id} must be 32 bytes in base64`)
    return { id, secret }
  })
}
