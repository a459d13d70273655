import { parentOf, type Tree } from './tree.ts'

/** One account's files at one address, or its uploads there: what requests below that address are about. */
export type Space = {
  /** The address that all are below, without a slash at the end: `/dav`, `/remote.php/dav/files/alice`. */
  base: string
  tree: Tree
}

/** The path in the space that an address (a path, or a whole one) is about; null: it is elsewhere, or no proper address. */
export function pathIn({ base }: Space, address: string): string | null {
  const encoded = URL.parse(address, 'http://simulator.invalid')?.pathname ?? ''
  if (encoded !== base && !encoded.startsWith(`${base}/`)) return null
  try {
    const parts = encoded
      .slice(base.length)
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
    return parts.some((part) => part.includes('/') || part.includes('\0') || part === '..') ? null : parts.join('/')
  } catch {
    return null
  }
}

export function addressIn({ base }: Space, path: string): string {
  return [
    base,
    ...path
      .split('/')
      .filter((part) => part !== '')
      .map(encodeURIComponent),
  ].join('/')
}

/** Whether something may be put there: the folder around it exists (RFC 4918 §9.7.1). */
export function hasParent({ tree }: Space, path: string): boolean {
  return path !== '' && tree.get(parentOf(path))?.kind === 'folder'
}
