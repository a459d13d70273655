import type { Database } from './database.ts'

/** Whether row-level security binds the role that we are: no superuser, and none that may pass it by. */
export async function isBound(db: Database): Promise<boolean> {
  const [role] = await db.query<{ isBound: boolean }>(
    'SELECT NOT (rolsuper OR rolbypassrls) AS "isBound" FROM pg_roles WHERE rolname = current_user',
  )
  return role?.isBound === true
}
