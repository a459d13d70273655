import { join, resolve } from 'node:path'
import { AshevilleError, type StorageAdapter } from '@asheville/core'
import { openDirectory } from './open-directory.ts'

/**
 * This server's disk. A person's folder is `<LOCAL_STORAGE_DIR>/<person's id>/Asheville`. There is nothing to sign in to:
 * every person gets a connection to it at sign-up.
 */
export const local: StorageAdapter = {
  id: 'local',
  title: 'This server’s disk',
  description: 'Keeps your copies as plain files in a folder on the machine that runs Asheville.',
  website: null,
  logins: [],
  variables: [
    {
      name: 'LOCAL_STORAGE_DIR',
      description: 'The directory below which the storage “this server’s disk” keeps each person’s folder',
      default: './.data/files',
    },
  ],

  async account(io) {
    folderOf(io.account.id, io.variables)
    return { id: io.account.id, handle: 'this server', title: 'This server’s disk', url: null, declined: [] }
  },

  open: (io) => openDirectory(folderOf(io.account.id, io.variables)),
}

/** Ids are made by accounts; still, nothing but a plain name may choose a directory. */
function folderOf(accountId: string, variables: Readonly<Record<string, string>>): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(accountId))
    throw new AshevilleError('invalid', 'The account of this storage has no valid id')
  const directory = variables['LOCAL_STORAGE_DIR']
  if (!directory) throw new AshevilleError('unexpected', 'LOCAL_STORAGE_DIR is empty')
  return join(resolve(directory), accountId, 'Asheville')
}
