/**
 * Where to go after signing in: a path of our own pages, as it was asked for, or null. Anything that a browser could
 * take for another host (`//host`, `/\host`, control characters, an address) is refused.
 */
export function safeReturnTo(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 500 || !/^\/[a-z]/.test(value) || /[\\\u0000-\u001f\u007f\s]/.test(value)) return null
  const base = 'https://own.invalid'
  if (!URL.canParse(value, base)) return null
  const url = new URL(value, base)
  if (url.origin !== base || url.pathname.includes('//')) return null
  return /^\/(status|browse|items|connect|settings|connections|notifications|admin)(\/|$)/.test(url.pathname)
    ? url.pathname + url.search
    : null
}
