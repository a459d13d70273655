import type { accountsRoutes, Client, Connection, platformRoutes } from '@asheville/clients'

/** Where what is pulled goes, and by which right. */
export interface Target {
  storageId: string
  connectionId: string
  stream: string
  fence: number
  network: string
  account: Pick<Connection, 'handle' | 'title' | 'url'> & { id: string }
  copies: Connection['settings']['copies']
  /** For every call: the person, and the request id that follows the work. */
  context: { userId: string; requestId: string }
}

export type AccountsClient = Client<typeof accountsRoutes>
export type PlatformClient = Client<typeof platformRoutes>
