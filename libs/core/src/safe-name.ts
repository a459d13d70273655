import { createHash } from 'node:crypto'

/** Characters that every file system and every cloud storage keeps as they are, of which `.`, `-` and `_` stand inside only. */
const unsafe = /[^a-z0-9@._+\-\p{L}\p{N}\p{M}]+/gu
/**
 * Names that Windows keeps for devices, whatever follows after a dot, and those that Dropbox takes for no file of anybody's.
 * https://learn.microsoft.com/windows/win32/fileio/naming-a-file, https://help.dropbox.com/organize/file-names
 */
const reserved = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)|^(desktop\.ini|thumbs\.db)$/
const maxNameChars = 80
const maxNameBytes = 160

/** Short, and of letters and digits that no file system folds together: 50 bits in base 32. */
export function nameMark(text: string): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'
  return [...createHash('sha256').update(text).digest().subarray(0, 10)].map((byte) => alphabet[byte % 32]).join('')
}

/**
 * A name for a file or folder that is safe everywhere: NFC, lower case, no separators, control characters or reserved names, not
 * hidden, at most 80 characters and 160 bytes. Names that had to be altered beyond their case end in a mark of the original, so that
 * different originals never get the same name.
 */
export function safeName(text: string): string {
  const plain = text.normalize('NFC').toLowerCase().normalize('NFC')
  const cleaned = plain.replace(unsafe, '-').replace(/^[.\-_]+|[.\-_]+$/g, '')
  const isAscii = /^[\x21-\x7e]*$/.test(cleaned)
  const isWhole = cleaned === plain && cleaned !== '' && cleaned.length <= maxNameChars && isAscii && !reserved.test(cleaned)
  if (isWhole) return cleaned
  const short = shortenedName(cleaned).replace(/[.\-_]+$/, '')
  return short === '' || reserved.test(short) ? `x-${nameMark(text)}` : `${short}-${nameMark(text)}`
}

/** As much of a name as leaves room for a mark. */
export function shortenedName(text: string): string {
  let result = ''
  for (const character of text) {
    const longer = result + character
    if (longer.length > maxNameChars - 20 || Buffer.byteLength(longer) > maxNameBytes - 20) break
    result = longer
  }
  return result
}
