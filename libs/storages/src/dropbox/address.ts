import { storagePathParts } from '@asheville/core'

/** Where a path of ours is in Dropbox: our folder is the root that an app with a folder of its own sees. Throws `invalid`. */
export function addressOf(path: string): string {
  return `/${storagePathParts(path).join('/')}`
}
