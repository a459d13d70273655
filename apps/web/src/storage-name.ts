import type { Connection } from '@asheville/clients'
import type { Site } from './site.ts'

/** What a person calls one of their storages: `Dropbox (ann@example.com)`; without an account, as this server's disk, its title alone. */
export function storageName(site: Site, { provider, handle, title }: Pick<Connection, 'provider' | 'handle' | 'title'>): string {
  const adapter = site.storages.find(({ id }) => id === provider)
  if (!adapter) return title
  return adapter.logins.length === 0 ? adapter.title : `${adapter.title} (${handle})`
}
