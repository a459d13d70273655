const reads = [
  'accounts',
  'blocks',
  'bookmarks',
  'favourites',
  'filters',
  'follows',
  'lists',
  'mutes',
  'notifications',
  'search',
  'statuses',
]
const writes = [
  'accounts',
  'blocks',
  'bookmarks',
  'conversations',
  'favourites',
  'filters',
  'follows',
  'lists',
  'media',
  'mutes',
  'notifications',
  'reports',
  'statuses',
]

/** The scopes of docs.joinmastodon.org/api/oauth-scopes, without those of administrators; `profile` came with 4.3. */
export function supportedScopes(hasProfile: boolean): string[] {
  const granular = [...writes.map((name) => `write:${name}`), ...reads.map((name) => `read:${name}`)]
  return ['read', 'write', ...granular, 'follow', 'push', ...(hasProfile ? ['profile'] : [])]
}

/** Splits a scope parameter; nothing given means `read`. */
export function scopesOf(value: unknown): string[] {
  const list = (Array.isArray(value) ? value.join(' ') : String(value ?? '')).split(/[\s+]+/).filter(Boolean)
  return list.length === 0 ? ['read'] : list
}

/** Whether granted scopes cover a wanted one; `read` covers every `read:…`. */
export function allows(granted: readonly string[], wanted: string): boolean {
  return granted.includes(wanted) || granted.includes(wanted.split(':')[0]!)
}
