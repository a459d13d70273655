import { realpath } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { AshevilleError, storagePathParts } from '@asheville/core'

/** Where unfinished files lie: inside the folder, so that a rename never crosses file systems, and never listed. */
export const incoming = '.incoming'

/** The parts of a path that stays in the folder, and out of our own directory of unfinished files; else `invalid`. */
export function partsOf(path: string): string[] {
  const parts = storagePathParts(path)
  if (parts[0]?.toLowerCase() === incoming) throw new AshevilleError('invalid', 'This path is not allowed in the storage')
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
