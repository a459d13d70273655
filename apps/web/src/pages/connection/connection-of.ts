import { AshevilleError } from '@asheville/core'
import type { Visit } from '@asheville/service'
import { sessionOf, type Site } from '../../site.ts'

/** Which connection of the signed-in person `/connections/:id/…` is about, as calls name it. */
export function connectionOf(site: Site, visit: Visit): { params: { connectionId: string }; userId: string } {
  const { id = '' } = visit.params
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw new AshevilleError('not-found', 'There is no such connection')
  return { params: { connectionId: id }, userId: sessionOf(site, visit).user.id }
}
