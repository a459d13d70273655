/** The entity tag of what is at an address; null: nothing is there. A folder has none: ''. */
export type EtagAt = (address: string) => string | null

export type Conditions = { ifMatch: string | null; ifNoneMatch: string | null; ifHeader: string | null }

const opaque = (tag: string): string => tag.replace(/^W\//, '')
const isWeak = (tag: string): boolean => tag.startsWith('W/')
const tagsOf = (header: string): string[] => header.match(/(?:W\/)?"[^"]*"/g) ?? []

/**
 * Whether a request may be carried out: If-Match and If-None-Match (RFC 9110 §13.1) about its own address, If (RFC 4918 §10.4) about any.
 * `not-modified` for a read of what the client has.
 */
export function check(address: string, etagAt: EtagAt, conditions: Conditions, isRead: boolean): 'go' | 'failed' | 'not-modified' {
  const { ifMatch, ifNoneMatch, ifHeader } = conditions
  const etag = etagAt(address)
  if (ifMatch !== null) {
    // Strong comparison: a weak tag never matches.
    const isMatch = ifMatch.trim() === '*' ? etag !== null : etag !== null && !isWeak(etag) && tagsOf(ifMatch).includes(etag)
    if (!isMatch) return 'failed'
  }
  if (ifNoneMatch !== null) {
    const isMatch = ifNoneMatch.trim() === '*' ? etag !== null : etag !== null && tagsOf(ifNoneMatch).map(opaque).includes(opaque(etag))
    if (isMatch) return isRead ? 'not-modified' : 'failed'
  }
  return ifHeader !== null && !holds(ifHeader, address, etagAt) ? 'failed' : 'go'
}

/** `<address> (["tag"] Not <token>) (…)`: lists are or, what is in a list is and. No lock is ever held here, so that no token holds. */
function holds(header: string, own: string, etagAt: EtagAt): boolean {
  let address = own
  for (const [, resource, list] of header.matchAll(/<([^>]*)>(?=\s*\()|\(([^)]*)\)/g)) {
    if (resource !== undefined) address = resource
    else if (listHolds(list ?? '', etagAt(address))) return true
  }
  return false
}

function listHolds(list: string, etag: string | null): boolean {
  const parts = [...list.matchAll(/(Not\s+)?(?:\[((?:W\/)?"[^"]*")\]|<[^>]*>)/gi)]
  return (
    parts.length > 0 &&
    parts.every(([, not, tag]) => (tag !== undefined && etag !== null && opaque(tag) === opaque(etag)) !== (not !== undefined))
  )
}
