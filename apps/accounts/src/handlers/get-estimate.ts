import { createAccessToken, type accountsRoutes, type Connection } from '@asheville/clients'
import { AshevilleError, kindOf, type Network, type PullIo } from '@asheville/core'
import type { Handler, Reply } from '@asheville/service'
import type { Access } from '../access.ts'
import { withDeadline } from '../connect/with-deadline.ts'
import { withScratch } from '../connect/with-scratch.ts'
import { findAdapter, type Context } from '../context.ts'
import { getConnection } from '../queries/connections.ts'
import { isClosing } from '../queries/users.ts'
import { wantedStreams } from '../streams/wanted-streams.ts'

type Route = typeof accountsRoutes.getEstimate

/** Asks the network, with the token that a worker would pull with. Errors: the adapter's; late, it is `unavailable`. */
export function handleGetEstimate(context: Context, access: Access): Handler<Route> {
  return async ({ userId, params, signal }) => {
    const { connection } = await getConnection(context.db, userId, params.connectionId)
    const found = findAdapter(context, connection.provider)
    if (found?.kind !== 'network') throw new AshevilleError('invalid', `${connection.title} is not a network`)
    if (await isClosing(context.db, userId)) throw new AshevilleError('conflict', 'This account is being closed')
    const { adapter } = found
    return withDeadline(adapter.title, signal, (within) =>
      withScratch((scratch) => {
        const token = createAccessToken(
          { getAccess: ({ body }) => access.get(userId, connection.id, body.rejected, within) },
          { userId, connectionId: connection.id },
        )
        const io = ioOf(context, connection, { token: () => token.get(), scratch: () => scratch, signal: within })
        return estimate(adapter, connection, io).catch((error: unknown) => {
          if (kindOf(error) !== 'reconnect-required' || !token.reject()) throw error
          return estimate(adapter, connection, io)
        })
      }),
    )
  }
}

function ioOf(
  { http, variables }: Context,
  { server, fields, accountId, handle }: Connection,
  rest: Pick<PullIo, 'token' | 'scratch' | 'signal'>,
): PullIo {
  return { http, variables, server, fields, account: { id: accountId, handle }, now: () => new Date(), ...rest }
}

async function estimate(network: Network, connection: Connection, io: PullIo): Promise<Reply<Route>> {
  const { contentTypes, range } = connection.settings
  const charged = wantedStreams(network, connection).filter((stream) => stream.estimate)
  const streams = charged.map(async (stream) => ({
    stream: stream.name,
    contentTypes: stream.contentTypes.filter((type) => contentTypes === null || contentTypes.includes(type)),
    reads: (await stream.estimate?.(range, io)) ?? null,
  }))
  return { streams: await Promise.all(streams) }
}
