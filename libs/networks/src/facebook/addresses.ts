const origin = 'https://www.facebook.com/'

/** The address of anything by its id, whatever it is or will be called. */
export function addressOf(id: string): string {
  return origin + id
}

/** The id in such an address. */
export function idIn(address: string): string {
  return address.slice(address.lastIndexOf('/') + 1)
}

/** Graph gives some addresses without their origin. */
export function absolute(address: string): string {
  return URL.parse(address, origin)?.href ?? origin
}

/**
 * Where a link leads. Facebook sends people over `l.facebook.com/l.php?u=…`, with a part that changes each time
 * (https://developers.facebook.com/docs/graph-api/reference/story-attachment/, `unshimmed_url`).
 */
export function unshimmed(address: string): string {
  const url = URL.parse(address)
  const isShim = url !== null && /^lm?\.facebook\.com$/.test(url.hostname) && url.pathname === '/l.php'
  const to = isShim ? url.searchParams.get('u') : null
  return to !== null && URL.canParse(to) ? to : address
}
