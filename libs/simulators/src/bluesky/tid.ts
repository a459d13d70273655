const alphabet = '234567abcdefghijklmnopqrstuvwxyz'

/** A timestamp identifier (atproto.com/specs/tid): microseconds since 1970 and ten further bits, in sortable base 32. */
export function tidOf(micros: number, clock = 0): string {
  let value = (BigInt(micros) << 10n) | BigInt(clock & 1023)
  const text = Buffer.allocUnsafe(13)
  for (let i = 12; i >= 0; i--) {
    text[i] = alphabet.charCodeAt(Number(value & 31n))
    value >>= 5n
  }
  return text.toString('latin1')
}

/** The microseconds of an identifier. */
export function microsOf(tid: string): number {
  let value = 0n
  for (const letter of tid) value = (value << 5n) | BigInt(alphabet.indexOf(letter))
  return Number(value >> 10n)
}
