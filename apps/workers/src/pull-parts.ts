import type { accountsRoutes, Client, Connection, platformRoutes } from '@asheville/clients'
import type { AccountNames } from '@asheville/core'

/** Where what is pulled goes, and by which right. */
export interface Target {
  storageId: string
  connectionId: string
  stream: string
  fence: number
  network: string
  /** Called as the pages say that they are called now. */
  account: AccountNames & { id: string }
  copies: Connection['settings']['copies']
  /** For every call: the person, and the request id that follows the work. */
  context: { userId: string; requestId: string }
}

export type AccountsClient = Client<typeof accountsRoutes>
export type PlatformClient = Client<typeof platformRoutes>
