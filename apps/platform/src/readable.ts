import { AshevilleError, typesOf, type ContentType } from '@asheville/core'
import type { App } from '@asheville/service'

/**
 * The content types that whoever calls may see; null: all. What is asked for besides is `forbidden`: a program that sees none of
 * something must not take it for there being none.
 */
export function readableTypes(app: App | null, asked: ContentType | null = null): ContentType[] | null {
  if (!app) return null
  const types = typesOf(app.scopes, 'read')
  if (asked !== null && !types.includes(asked)) throw new AshevilleError('forbidden', `This token may not read ${asked}`)
  return types
}
