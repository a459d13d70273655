import type { Database } from '@asheville/database'

/** A file that is written once per sync, as we last wrote it. */
export interface DocumentRow {
  path: string
  sha256: string
  revision: string
}

export function listDocuments(db: Database, userId: string, storageId: string): Promise<DocumentRow[]> {
  return db.query('SELECT path, sha256, revision FROM documents WHERE user_id = $1 AND storage_id = $2', [userId, storageId])
}

/** As if none had ever been written. */
export async function forgetDocuments(db: Database, userId: string, storageId: string): Promise<void> {
  await db.query('DELETE FROM documents WHERE user_id = $1 AND storage_id = $2', [userId, storageId])
}

export async function saveDocuments(db: Database, userId: string, storageId: string, documents: readonly DocumentRow[]): Promise<void> {
  await db.query(
    `INSERT INTO documents (user_id, storage_id, path, sha256, revision)
     SELECT $1, $2, path, sha256, revision FROM unnest($3::text[], $4::text[], $5::text[]) AS document(path, sha256, revision)
     ON CONFLICT (user_id, storage_id, path) DO UPDATE SET sha256 = EXCLUDED.sha256, revision = EXCLUDED.revision`,
    [
      userId,
      storageId,
      documents.map(({ path }) => path),
      documents.map(({ sha256 }) => sha256),
      documents.map(({ revision }) => revision),
    ],
  )
}
