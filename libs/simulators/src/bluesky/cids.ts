import { hash } from 'node:crypto'
import { encode } from '@atproto/lex-cbor'
import type { LexValue } from '@atproto/lex-data'

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
const dagCbor = 0x71
/** Length of a CID as used here, in bytes: version, codec, hash function, hash length, SHA-256. */
export const cidBytes = 36

/** A block as it stands in a CAR file: its CID, then its bytes. The vendor's CID objects weigh kilobytes each, so stores keep this. */
export type Block = { cid: string; entry: Uint8Array }

/** Encodes a value in DAG-CBOR. */
export function blockOf(value: LexValue): Block {
  return blockOfBytes(encode(value))
}

export function blockOfBytes(bytes: Uint8Array): Block {
  const entry = Buffer.allocUnsafeSlow(cidBytes + bytes.length)
  entry.set([1, dagCbor, 0x12, 0x20])
  entry.set(hash('sha256', bytes, 'buffer'), 4)
  entry.set(bytes, cidBytes)
  return { entry, cid: cidText(entry) }
}

export function bytesOf(entry: Uint8Array): Uint8Array {
  return entry.subarray(cidBytes)
}

/**
 * Text of the CID that an entry begins with: base 32, lower case, without padding (RFC 4648), after a `b`.
 * Written into a buffer: a string grown letter by letter stays a chain of 59 pieces in memory.
 */
export function cidText(entry: Uint8Array): string {
  const text = Buffer.allocUnsafe(59)
  text[0] = 98
  let [at, value, bits] = [1, 0, 0]
  for (let i = 0; i < cidBytes; i++) {
    value = ((value << 8) | entry[i]!) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text[at++] = alphabet.charCodeAt((value >> bits) & 31)
    }
  }
  text[at] = alphabet.charCodeAt((value << (5 - bits)) & 31)
  return text.toString('latin1')
}
