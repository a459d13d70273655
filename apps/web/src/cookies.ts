import type { Request, Response } from 'express'

/**
 * How a browser's cookies are kept. `secure`: `__Host-` and Secure. `plain`: neither, because this address is plain http and
 * the browser would not send them back; pages say so.
 */
export type CookieMode = 'secure' | 'plain'

const names = {
  session: 'asheville',
  visitor: 'asheville-visitor',
  reset: 'asheville-reset',
  verification: 'asheville-verification',
  unlock: 'asheville-unlock',
} as const
export type CookieName = keyof typeof names

/** The value of one of our cookies: the `__Host-` one first; the plain one only where pages are not served over https. */
export function readCookie(request: Request, name: CookieName, webUrl: string): string | null {
  const cookies = parseCookies(request.headers.cookie)
  const plain = webUrl.startsWith('https:') ? undefined : cookies.get(names[name])
  return cookies.get(`__Host-${names[name]}`) ?? plain ?? null
}

/** Sets a cookie, HttpOnly and Lax, until `expires` or the end of the browser's session. */
export function writeCookie(response: Response, name: CookieName, value: string, mode: CookieMode, expires?: Date): void {
  const secure = mode === 'secure'
  response.cookie(`${secure ? '__Host-' : ''}${names[name]}`, value, {
    httpOnly: true,
    secure,
    sameSite: 'lax',
    path: '/',
    encode: String,
    ...(expires ? { expires } : {}),
  })
}

export function clearCookie(response: Response, name: CookieName, webUrl: string): void {
  writeCookie(response, name, '', 'secure', new Date(0))
  if (!webUrl.startsWith('https:')) writeCookie(response, name, '', 'plain', new Date(0))
}

/**
 * Which cookies a browser gets. Over https always secure ones. On this very machine (`localhost`) browsers differ in
 * whether they take Secure cookies over http: a visitor is offered both, and who sends the secure one back gets those.
 */
export function cookieMode(request: Request, webUrl: string): CookieMode {
  if (webUrl.startsWith('https:')) return 'secure'
  return isLoopback(request) && parseCookies(request.headers.cookie).has(`__Host-${names.visitor}`) ? 'secure' : 'plain'
}

/** Offers a cookie in each kind that this browser may take, before it is known which it does. */
export function offerCookie(request: Request, response: Response, name: CookieName, value: string, webUrl: string, expires?: Date): void {
  const isHttps = webUrl.startsWith('https:')
  if (isHttps || isLoopback(request)) writeCookie(response, name, value, 'secure', expires)
  if (!isHttps) writeCookie(response, name, value, 'plain', expires)
}

/** Plain http from another machine: whoever is on the way can read along. */
export function isExposed(request: Request, webUrl: string): boolean {
  return !webUrl.startsWith('https:') && !isLoopback(request)
}

function isLoopback(request: Request): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(request.headers.host ?? '')
}

function parseCookies(header: string | undefined): Map<string, string> {
  return new Map(
    (header ?? '').split(';').flatMap((pair) => {
      const at = pair.indexOf('=')
      return at < 0 ? [] : [[pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const]
    }),
  )
}
