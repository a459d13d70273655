import { AshevilleError, safeName, type Storage } from '@asheville/core'
import type { Database } from '@asheville/database'
import { findAccount, moveAccount, type AccountFolder } from './queries/accounts.ts'
import { listDocuments } from './queries/documents.ts'
import { readText } from './read-text.ts'

export interface FolderScope {
  db: Database
  storage: Storage
  userId: string
  storageId: string
  signal: AbortSignal
}

/**
 * To be asked when a file that should be there is not: perhaps the person renamed the folder that it lay in. The folder of an account is known by
 * its `profile.json`, and the folder of all copies by its manifest, which whoever renames a folder takes along. Returns when the folder is where it
 * should be, or nowhere: then it is the file alone that is missing.
 *
 * Errors: `unavailable` when the account's folder was found under its new name: from now on that is its name, and the work is to be begun again;
 * `invalid` when nothing is where it was, which the person must decide about
 */
export async function lookForFolder(scope: FolderScope, about: { network: string; account: { id: string } }): Promise<void> {
  const { db, storage, userId, storageId, signal } = scope
  const account = await findAccount(db, userId, storageId, about.network, about.account.id)
  const written = new Set((await listDocuments(db, userId, storageId)).map(({ path }) => path))
  if (!account) return
  const profile = `${homeOf(account)}/profile.json`
  const isMissing = async (path: string) => written.has(path) && (await storage.stat(path, signal)) === null
  if (!(await isMissing(profile))) return
  const found = await findProfile(scope, account)
  if (found !== null) {
    const left: string[] = []
    for await (const { path } of storage.list(homeOf(account), signal)) left.push(path)
    await moveAccount(db, userId, storageId, account, found, left)
    throw new AshevilleError('unavailable', `The folder ${homeOf(account)} was renamed; it goes on as ${found}`, { retryAfterMs: 1000 })
  }
  if (await isMissing('asheville.json')) throw folderMissing()
}

export const folderMissing = () =>
  new AshevilleError(
    'invalid',
    'The folder with your copies is not where it was. Put it back under its old name; or, if it is gone for good, say so at “Verify my copy”, and everything is copied again',
  )

export function homeOf({ network, folder }: Pick<AccountFolder, 'network' | 'folder'>): string {
  return `${safeName(network)}/${folder}`
}

/** The folder below the network's that says to be this account's. */
async function findProfile({ storage, signal }: FolderScope, { network, id, folder }: AccountFolder): Promise<string | null> {
  const beside = safeName(network)
  const others: string[] = []
  for await (const { path } of storage.list(beside, signal)) {
    const [, name] = /^[^/]+\/([^/]+)\/profile\.json$/.exec(path) ?? []
    if (name !== undefined && path.startsWith(`${beside}/`) && name !== folder) others.push(name)
  }
  for (const name of others) {
    const profile = asObject(await readText(storage, `${beside}/${name}/profile.json`, signal))
    if (profile['asheville:network'] === network && profile['asheville:account'] === id) return name
  }
  return null
}

function asObject(text: string | null): Record<string, unknown> {
  try {
    return { ...(JSON.parse(text ?? '{}') as object) }
  } catch {
    return {}
  }
}
