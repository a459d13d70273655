import { AshevilleError, storagePathParts } from '@asheville/core'

/** Where unfinished files lie: inside the folder, and never listed. */
export const incoming = '.incoming'

/** The address of a path of ours below a folder's, which ends with a slash. Throws `invalid`. */
export function addressOf(folder: string, path: string): string {
  return folder + pathParts(path).map(encodeURIComponent).join('/')
}

/** The parts of a path that stays in the folder, and out of where unfinished files lie; else `invalid`. */
function pathParts(path: string): string[] {
  const parts = storagePathParts(path)
  if (parts[0]?.toLowerCase() === incoming) throw new AshevilleError('invalid', 'This path is not allowed in the storage')
  return parts
}

/**
 * The name of what lies right in a folder, by the address that a server gives it: servers differ in what they encode, and in how accents are
 * composed. Null: it lies elsewhere, is the folder itself, or has a name that no path of ours can have.
 */
export function nameIn(folder: string, href: string): string | null {
  try {
    const around = partsOf(new URL(folder))
    const parts = partsOf(new URL(href, folder))
    const name = parts[around.length]
    const isRightIn = parts.length === around.length + 1 && around.every((part, index) => part.normalize() === parts[index]!.normalize())
    return isRightIn && name !== undefined && storagePathParts(name).length === 1 ? name : null
  } catch {
    return null
  }
}

const partsOf = ({ pathname }: URL): string[] =>
  pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent)
