import type { platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { App } from '@asheville/service'
import type { z } from 'zod'
import type { Filter } from './queries/reading.ts'
import { readableTypes } from './readable.ts'
import { searchFor, type Search } from './words/wanted-words.ts'

type Query = Omit<z.output<typeof platformRoutes.listItems.query>, 'order' | 'copies' | 'cursor' | 'limit'>

/** How far around a place is meant when that is not said. */
const nearbyMetres = 1000

/** Which items are asked for, of those that whoever asks may read. Throws `forbidden` where that is none of them. */
export async function filterOf(
  db: Database,
  userId: string,
  app: App | null,
  query: Query,
): Promise<{ filter: Filter; search: Search | null }> {
  const { network = null, connectionId = null, contentType = null, from = null, to = null } = query
  const types = readableTypes(app, contentType)
  const search = query.words === undefined ? null : await searchFor(db, userId, query.words)
  const [latitude, longitude] = query.near ?? []
  const near = latitude === undefined || longitude === undefined ? null : { latitude, longitude, metres: query.radius ?? nearbyMetres }
  return { filter: { network, connectionId, contentType, types, from, to, near, words: search?.words ?? null }, search }
}

/** Nothing can be looked for in it. */
export const isHopeless = ({ words }: Filter): boolean => words?.length === 0
