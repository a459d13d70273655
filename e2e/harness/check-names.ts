import type { Report } from './expected.ts'

/** https://learn.microsoft.com/windows/win32/fileio/naming-a-file */
const forbidden = /[<>:"\\|?*\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
const reserved = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i
const maxChars = 120
const maxBytes = 255

/** Reports every name that some file system or cloud storage would refuse, alter, hide, or take for another's. */
export function checkNames(paths: Iterable<string>, report: Report): void {
  const byFolded = new Map<string, string>()
  const seen = new Set<string>()
  for (const path of paths) {
    const parts = path.split('/')
    parts.forEach((name, index) => {
      const prefix = parts.slice(0, index + 1).join('/')
      if (seen.has(prefix)) return
      seen.add(prefix)
      const reason = faultOf(name)
      if (reason !== null) report('unsafe-name', { path }, `${JSON.stringify(name)} ${reason}`)
      // Case is folded the long way round: a lone toLowerCase keeps apart what some file systems take for the same.
      const folded = prefix.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
      const twin = byFolded.get(folded)
      if (twin !== undefined) report('unsafe-name', { path }, `is the same as ${twin} where case does not count`)
      byFolded.set(folded, prefix)
    })
  }
}

function faultOf(name: string): string | null {
  if (!name.isWellFormed() || name.includes('\uFFFD')) return 'is not well-formed text'
  if (name.normalize('NFC') !== name) return 'is not in normal form C'
  if (forbidden.test(name)) return 'has a character that not every system allows'
  if (reserved.test(name)) return 'is the name of a device on Windows'
  if (/[. ]$|^ /.test(name)) return 'begins or ends with a space or ends with a dot'
  if ([...name].length > maxChars || Buffer.byteLength(name) > maxBytes) return 'is too long'
  return null
}
