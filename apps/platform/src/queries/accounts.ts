import { AshevilleError, safeName } from '@asheville/core'
import type { Database } from '@asheville/database'
import { accountFolders } from '../page-path.ts'

export interface NetworkAccount {
  id: string
  handle: string
  title: string
  url: string | null
}

/** An account of a network that items are stored of, and the folder below the network's that is its own. */
export interface AccountFolder extends NetworkAccount {
  network: string
  folder: string
}

const columns = `network, account_id AS id, folder, handle, title, url`

/** The folder of an account: chosen when it is first seen, kept ever after. Its handle and title are brought up to date. */
export async function accountFolder(
  db: Database,
  userId: string,
  storageId: string,
  network: string,
  account: NetworkAccount,
): Promise<string> {
  const { id, handle, title, url } = account
  const known = await findAccount(db, userId, storageId, network, id)
  if (known) {
    if (known.handle !== handle || known.title !== title || known.url !== url)
      await db.query(
        'UPDATE accounts SET handle = $5, title = $6, url = $7 WHERE user_id = $1 AND storage_id = $2 AND network = $3 AND account_id = $4',
        [userId, storageId, network, id, handle, title, url],
      )
    return known.folder
  }
  for (const folder of accountFolders(account)) {
    await db.query(
      `INSERT INTO accounts (user_id, storage_id, network, account_id, folder, handle, title, url) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
       ON CONFLICT DO NOTHING`,
      [userId, storageId, network, id, folder, handle, title, url],
    )
    const [row] = await db.query<{ folder: string }>(
      'SELECT folder FROM accounts WHERE user_id = $1 AND storage_id = $2 AND network = $3 AND account_id = $4',
      [userId, storageId, network, id],
    )
    if (row) return row.folder
  }
  throw new AshevilleError('unexpected', 'No folder could be found for this account')
}

/** Every account that something of is, or will be, in the storage. */
export function listAccounts(db: Database, userId: string, storageId: string): Promise<AccountFolder[]> {
  return db.query(`SELECT ${columns} FROM accounts WHERE user_id = $1 AND storage_id = $2 ORDER BY network, account_id COLLATE "C"`, [
    userId,
    storageId,
  ])
}

/** An account that something of is, or was, in the storage. */
export async function findAccount(
  db: Database,
  userId: string,
  storageId: string,
  network: string,
  accountId: string,
): Promise<AccountFolder | null> {
  const [account] = await db.query<AccountFolder>(
    `SELECT ${columns} FROM accounts WHERE user_id = $1 AND storage_id = $2 AND network = $3 AND account_id = $4`,
    [userId, storageId, network, accountId],
  )
  return account ?? null
}

/**
 * The person renamed the account's folder: what lay in it lies in `folder` from now on, but for the files that are `left` under the old name.
 * Does nothing when that folder is another account's.
 */
export async function moveAccount(
  db: Database,
  userId: string,
  storageId: string,
  account: AccountFolder,
  folder: string,
  left: readonly string[],
): Promise<void> {
  const home = safeName(account.network)
  const [before, after] = [`${home}/${account.folder}/`, `${home}/${folder}/`]
  await db.transaction(async (tx) => {
    const moved = await tx.query(
      `UPDATE accounts a SET folder = $5 WHERE user_id = $1 AND storage_id = $2 AND network = $3 AND account_id = $4
         AND NOT EXISTS (SELECT FROM accounts o WHERE o.user_id = $1 AND o.storage_id = $2 AND o.network = $3 AND o.folder = $5)
       RETURNING folder`,
      [userId, storageId, account.network, account.id, folder],
    )
    if (moved.length === 0) return
    for (const table of ['pages', 'items', 'absent_items', 'documents'])
      await tx.query(
        `UPDATE ${table} SET path = $4 || substr(path, length($3) + 1)${table === 'pages' ? ', month = $4 || substr(month, length($3) + 1)' : ''}
         WHERE user_id = $1 AND storage_id = $2 AND starts_with(path, $3) AND path <> ALL($5)`,
        [userId, storageId, before, after, left],
      )
  })
}

/** Nothing of the account is in the storage any more, its profile neither. */
export async function dropAccount(
  db: Database,
  userId: string,
  storageId: string,
  { network, id }: Pick<AccountFolder, 'network' | 'id'>,
  profile: string,
): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query('DELETE FROM accounts WHERE user_id = $1 AND storage_id = $2 AND network = $3 AND account_id = $4', [
      userId,
      storageId,
      network,
      id,
    ])
    await tx.query('DELETE FROM documents WHERE user_id = $1 AND storage_id = $2 AND path = $3', [userId, storageId, profile])
  })
}
