import { storagePathParts } from '@asheville/core'

/** The key of a path of ours. Throws `invalid`. */
export function keyOf(prefix: string, path: string): string {
  return prefix + storagePathParts(path).join('/')
}

/** Back again; null for what no path of ours can be, such as the `folder/` that some tools leave. */
export function pathOf(prefix: string, key: string): string | null {
  try {
    return key.startsWith(prefix) ? storagePathParts(key.slice(prefix.length)).join('/') : null
  } catch {
    return null
  }
}
