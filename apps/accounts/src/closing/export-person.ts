import { Readable } from 'node:stream'
import type { accountsRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { getUser } from '../queries/users.ts'
import { personTables, type PersonTable } from './person-tables.ts'

const batch = 1000

/** As it is read: nobody's history has to fit into memory. */
export function handleExportPerson({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.exportPerson> {
  return async ({ userId }) => {
    const [person] = await db.query(
      `SELECT id, name, email, email_verified_at AS "emailVerifiedAt", role, locale, created_at AS "createdAt", closing_at AS "closingAt"
       FROM users WHERE id = $1`,
      [userId],
    )
    // Refuses as everything else does when the account is no more.
    if (!person) await getUser(db, userId)
    const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' }
    return { headers, body: Readable.from(documentOf(db, userId, person ?? {}), { objectMode: false }) }
  }
}

async function* documentOf(db: Database, userId: string, person: object): AsyncGenerator<string> {
  yield `{\n"exportedAt": ${JSON.stringify(new Date().toISOString())},\n"person": ${JSON.stringify(person)}`
  const left: Record<string, string> = {}
  for (const { name, exported } of personTables) {
    if ('not' in exported) left[name] = exported.not
    else {
      yield `,\n${JSON.stringify(exported.as)}: [`
      yield* rowsOf(db, userId, name, exported)
      yield ']'
    }
  }
  yield `,\n"leftOut": ${JSON.stringify(left)}\n}\n`
}

async function* rowsOf(
  db: Database,
  userId: string,
  name: string,
  { columns, from = `${name} WHERE user_id = $1`, order }: Extract<PersonTable['exported'], { as: string }>,
): AsyncGenerator<string> {
  for (let offset = 0, count = batch; count === batch; offset += batch) {
    const rows = await db.query(`SELECT ${columns} FROM ${from} ORDER BY ${order} LIMIT ${batch} OFFSET ${offset}`, [userId])
    count = rows.length
    if (count > 0) yield `${offset > 0 ? ',' : ''}\n${rows.map((row) => JSON.stringify(row)).join(',\n')}`
  }
}
