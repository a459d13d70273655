import type { accountsRoutes, Client, platformRoutes } from '@asheville/clients'
import type { Producer, QueueBackend, Subscriber } from '@asheville/jobs'
import type { Redis } from '@asheville/redis'
import type { Logger } from '@asheville/service'

export type AccountsClient = Client<typeof accountsRoutes>
export type PlatformClient = Client<typeof platformRoutes>

/** What a conductor process works with. */
export interface Context {
  accounts: AccountsClient
  platform: PlatformClient
  redis: Redis
  subscriber: Subscriber
  queue: QueueBackend
  producer: Producer
  log: Logger
}
