import { AshevilleError } from './errors.ts'

/**
 * The parts of a path that stays in the person's folder, for every method of a storage. Refused (`invalid`): empty, absolute, `.` and `..`,
 * empty parts, NUL, backslashes (separators on Windows), drive letters, halves of characters.
 */
export function storagePathParts(path: string): string[] {
  const parts = path.split('/')
  const isSafe =
    parts.every((part) => part !== '' && part !== '.' && part !== '..') &&
    !path.includes('\0') &&
    !path.includes('\\') &&
    !/^[A-Za-z]:/.test(path) &&
    path.isWellFormed()
  if (!isSafe) throw new AshevilleError('invalid', 'This path is not allowed in the storage')
  return parts
}
