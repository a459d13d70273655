import { realpath } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { AshevilleError } from '@asheville/core'

/** Where unfinished files lie: inside the folder, so that a rename never crosses file systems, and never listed. */
export const incoming = '.incoming'

/**
 * The parts of a path that stays in the folder. Refused (`invalid`): empty, absolute, `.` and `..`, empty parts, NUL, backslashes
 * (separators on Windows), drive letters, and our own directory of unfinished files.
 */
export function partsOf(path: string): string[] {
  const parts = path.split('/')
  const isSafe =
    parts.every((part) => part !== '' && part !== '.' && part !== '..') &&
    !path.includes('\0') &&
    !path.includes('\\') &&
    !/^[A-Za-z]:/.test(path) &&
    path.isWellFormed() &&
    parts[0]?.toLowerCase() !== incoming
  if (!isSafe) throw new AshevilleError('invalid', 'This path is not allowed in the storage')
  return parts
}

/**
 * Refuses a directory that is reached through a link which someone put into the folder.
 *
 * @param root the folder as configured; it may be a link itself, since the operator chose it
 * @param directory below it, existing
 */
export async function refuseLinks(root: string, directory: string): Promise<void> {
  const expected = join(await realpath(root), relative(root, directory))
  const actual = await realpath(directory)
  if (actual !== expected)
    throw new AshevilleError('invalid', 'A link in the storage folder leads elsewhere; replace it with a real folder')
}
