import type { Fields, Http, Network, StorageAdapter } from '@asheville/core'
import type { Database } from '@asheville/database'
import type { Revocations } from './app-tokens/revocations.ts'
import type { Sealing } from './sealing.ts'
import type { SessionMirror } from './sessions/keep-mirror.ts'
import type { Places } from './sessions/places.ts'

/** What handlers are made with; each takes the few things it uses. */
export interface Context {
  readonly db: Database
  /** A pool of its own: a refresh keeps its connection until the provider has answered, and must not starve the rest. */
  readonly refreshDb: Database
  readonly sealing: Sealing
  readonly networks: readonly Network[]
  readonly storages: readonly StorageAdapter[]
  /** Guarded. */
  readonly http: Http
  /** The adapters' variables, by name. */
  readonly variables: Fields
  /** Where browsers come back to after an authorisation, an origin. */
  readonly webUrl: string
  readonly isSignUpOpen: boolean
  /** Whether this server sends mail at all. */
  readonly sendsMail: boolean
  /** No stream is synced more often by itself. */
  readonly syncIntervalMs: number
  /** For so long it is kept what syncs did. */
  readonly historyDays: number
  /** Sessions in Redis. */
  readonly mirror: SessionMirror
  /** Of apps' tokens. */
  readonly revocations: Revocations
  /** Where network addresses are. */
  readonly places: Places
}

/** The adapter of a connection, network or storage; null when this version has none of that id. */
export function findAdapter(
  { networks, storages }: Pick<Context, 'networks' | 'storages'>,
  provider: string,
): { kind: 'network'; adapter: Network } | { kind: 'storage'; adapter: StorageAdapter } | null {
  const network = networks.find(({ id }) => id === provider)
  if (network) return { kind: 'network', adapter: network }
  const storage = storages.find(({ id }) => id === provider)
  return storage ? { kind: 'storage', adapter: storage } : null
}
