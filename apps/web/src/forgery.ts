import { createHmac, timingSafeEqual } from 'node:crypto'
import { AshevilleError } from '@asheville/core'
import type { Form } from '@asheville/service'
import type { Request } from 'express'

/** Signs what only we may have written. `purpose` keeps one use's signatures from serving another. */
export function sign(secret: string, purpose: string, ...parts: string[]): string {
  return createHmac('sha256', secret)
    .update(JSON.stringify([purpose, ...parts]))
    .digest('base64url')
}

export function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** The synchroniser token of a form: bound to the session, or before sign-in to the visitor cookie. */
export function formToken(secret: string, binding: string): string {
  return sign(secret, 'form', binding)
}

/**
 * Lets an unsafe request pass only if our own page sent it: its `_csrf` is of this session or visitor, and the browser
 * says that it comes from our own origin (Fetch Metadata, else Origin). Scripts send the token in `X-XSRF-TOKEN`, as axios
 * does. Throws `forbidden`.
 * OWASP Cross-Site Request Forgery Prevention Cheat Sheet.
 */
export function checkForgery(request: Request, form: Form | null, secret: string, binding: string | null, webUrl: string): void {
  if (!isOwnOrigin(request, webUrl)) throw new AshevilleError('forbidden', 'This came from another website.')
  const given = form?._csrf ?? request.get('x-xsrf-token')
  if (binding === null || typeof given !== 'string' || !isSame(given, formToken(secret, binding)))
    throw new AshevilleError('forbidden', 'This page was too old, or your browser does not keep cookies.')
}

function isOwnOrigin(request: Request, webUrl: string): boolean {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const origin = request.headers.origin
  return origin === undefined || origin === webUrl || origin === `${new URL(webUrl).protocol}//${request.headers.host ?? ''}`
}
