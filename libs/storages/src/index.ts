import type { StorageAdapter } from '@asheville/core'
import { dropbox } from './dropbox/index.ts'
import { googleDrive } from './google-drive/index.ts'
import { local } from './local/index.ts'
import { s3 } from './s3/index.ts'
import { webdav } from './webdav/index.ts'

export { plannedStorages, type PlannedStorage } from './planned.ts'

/** Every storage there is, in the order in which people see them. */
export const storages: readonly StorageAdapter[] = [local, dropbox, googleDrive, webdav, s3]

/** The storage with that id; null when there is none. */
export function storageById(id: string): StorageAdapter | null {
  return storages.find((storage) => storage.id === id) ?? null
}
