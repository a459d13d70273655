import { createHash, randomBytes } from 'node:crypto'

/** 256 bits that cannot be guessed, for addresses and cookies. */
export function randomToken(): string {
  return randomBytes(32).toString('base64url')
}

/** How such a token is stored: whoever reads the database cannot use it. */
export function hashToken(token: string): Uint8Array {
  return createHash('sha256').update(token).digest()
}
