import type { accountsRoutes, Client, platformRoutes } from '@asheville/clients'
import type { Network } from '@asheville/core'
import type { Producer, QueueBackend, Subscriber } from '@asheville/jobs'
import type { Redis } from '@asheville/redis'
import type { Logger } from '@asheville/service'

export type AccountsClient = Client<typeof accountsRoutes>
export type PlatformClient = Client<typeof platformRoutes>

/** What the conductor knows of a network. */
export type NetworkFacts = Pick<Network, 'id' | 'title' | 'budgets' | 'streams'>

/** What a conductor process works with. */
export interface Context {
  accounts: AccountsClient
  platform: PlatformClient
  networks: readonly NetworkFacts[]
  redis: Redis
  subscriber: Subscriber
  queue: QueueBackend
  producer: Producer
  /** Networks that the owner of the server has paused, as it was heard last. */
  paused: Set<string>
  log: Logger
}
