import type { Session } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import type { Visit } from '@asheville/service'
import { sessionOf, type Site } from './site.ts'

/** The session of the owner of this server; for everybody else there is no such page. */
export function ownerOf(site: Site, visit: Pick<Visit, 'request'>): Session {
  const session = sessionOf(site, visit)
  if (session.user.role !== 'owner') throw new AshevilleError('not-found', 'There is nothing here')
  return session
}
