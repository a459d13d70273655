import type { platformRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { removeCopies as remove, type RemoveParts } from '../remove-copies.ts'

export function removeCopies(parts: RemoveParts): Handler<typeof platformRoutes.removeCopies> {
  return ({ userId, body, signal }) => remove(parts, userId, body, signal)
}
