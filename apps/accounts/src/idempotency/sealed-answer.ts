import type { Answer, Claim } from '@asheville/service'
import type { Sealed, Sealing } from '../sealing.ts'

/** What is sealed of a key: the request's fingerprint, and the answer's body once there is one. */
interface Contents {
  fingerprint: string
  body: string | null
}

export const nameOf = (id: string): Buffer => Buffer.from(id, 'base64url')
export const idOf = (name: Uint8Array): string => Buffer.from(name).toString('base64url')

/** What a key's answer is bound to when it is sealed. */
export const answerBinding = (id: string) => ['idempotency', id]

export function sealContents(
  { id, fingerprint }: Pick<Claim, 'id' | 'fingerprint'>,
  body: Answer['body'] | null,
  sealing: Sealing,
): Sealed {
  const contents: Contents = { fingerprint, body }
  return sealing.seal(JSON.stringify(contents), answerBinding(id))
}

/** Throws `unexpected` when it cannot be opened. */
export function openContents(id: string, sealed: Sealed, sealing: Sealing): Contents {
  return JSON.parse(sealing.open(sealed, answerBinding(id))) as Contents
}
