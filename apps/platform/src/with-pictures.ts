import type { StoredItem } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { picturesAt } from './queries/renditions.ts'
import { pathsOf } from './stored-object.ts'

/** The items, each with what is known of its pictures. */
export async function withPictures(db: Database, userId: string, items: readonly StoredItem[]): Promise<StoredItem[]> {
  const paths = items.map(({ object }) => [...pathsOf(object)])
  const known = await picturesAt(db, userId, [...new Set(paths.flat())])
  return items.map((item, index) => {
    const pictures = paths[index]!.flatMap((path) => (known.has(path) ? [[path, known.get(path)!] as const] : []))
    return pictures.length === 0 ? item : { ...item, pictures: Object.fromEntries(pictures) }
  })
}
