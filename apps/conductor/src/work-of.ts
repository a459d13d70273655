import type { SyncJob } from '@asheville/clients'
import type { Context } from './context.ts'

/** The streams of a connection of the person's, or one of them; none of anybody else's. */
export async function workOf(
  { accounts }: Pick<Context, 'accounts'>,
  call: { userId: string; requestId: string; signal: AbortSignal },
  { connectionId, stream = null }: { connectionId: string; stream?: string | null },
): Promise<Pick<SyncJob, 'network' | 'connectionId' | 'stream'>[]> {
  const [{ connections }, { streams }] = await Promise.all([
    accounts.listConnections({ ...call, query: { kind: 'network' } }),
    accounts.listStreams(call),
  ])
  const connection = connections.find(({ id }) => id === connectionId)
  if (!connection) return []
  const mine = streams.filter((one) => one.connectionId === connectionId && (stream === null || one.stream === stream))
  return mine.map(({ stream: name }) => ({ network: connection.provider, connectionId, stream: name }))
}
