import { storagePathParts } from '@asheville/core'

/** Where a path of ours is in Dropbox: our folder is the root that an app with a folder of its own sees. Throws `invalid`. */
export function addressOf(path: string): string {
  return `/${storagePathParts(path).join('/')}`
}

/** Back again, in the letters in which we wrote it: all our names are lower case but for a few at the top. */
export function pathOf({ path_display, path_lower }: { path_display?: string; path_lower?: string }): string {
  return (path_display ?? path_lower ?? '').replace(/^\//, '')
}
