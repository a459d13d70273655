import { randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * The form of an app's token, as GitHub's: a prefix that tells people and scanners of leaks what it is, 30 letters and digits that
 * cannot be guessed (178 bits), and 6 that are their checksum, so that what is none is refused without asking anybody. No sign in
 * it ends a word: a double click takes all of it.
 */
const prefix = 'ash_pat_'
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const pattern = /^ash_pat_([0-9A-Za-z]{30})([0-9A-Za-z]{6})$/

/** A new one. */
export function makeAppToken(): string {
  const random = Array.from({ length: 30 }, () => digits[randomInt(digits.length)]).join('')
  return prefix + random + checksumOf(random)
}

/** Whether this has the form of one; whether it is good for anything, accounts knows. */
export function isAppToken(text: string): boolean {
  const [, random, checksum] = pattern.exec(text) ?? []
  return random !== undefined && checksum === checksumOf(random)
}

/** What may be shown of it, to tell it from others. */
export function beginOf(token: string): string {
  return token.slice(0, prefix.length + 4)
}

function checksumOf(text: string): string {
  let rest = crc32(text)
  let written = ''
  for (let place = 0; place < 6; place += 1) {
    written = digits[rest % digits.length]! + written
    rest = Math.floor(rest / digits.length)
  }
  return written
}
