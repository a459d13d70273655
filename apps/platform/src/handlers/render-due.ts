import type { platformRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { renderDue as render, type RenditionParts } from '../renditions/render-pictures.ts'

export function renderDue(parts: RenditionParts): Handler<typeof platformRoutes.renderDue> {
  return async ({ signal }) => ({ left: await render(parts, signal) })
}
