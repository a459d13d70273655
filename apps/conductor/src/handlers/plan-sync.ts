import type { accountsRoutes, CallReply, conductorRoutes, PlannedConnection } from '@asheville/clients'
import { errorFields, type Handler } from '@asheville/service'
import type { Context } from '../context.ts'

/** Networks are asked while somebody waits. */
const costMs = 8000

type Estimates = CallReply<typeof accountsRoutes.getEstimate>['streams']

/** What a network does not tell in time is not known: the plan is told all the same. */
export function planSync({ accounts, networks }: Context): Handler<typeof conductorRoutes.planSync> {
  const isCharged = (provider: string, stream: string): boolean =>
    networks.find(({ id }) => id === provider)?.streams.find(({ name }) => name === stream)?.estimate !== undefined

  return async ({ body, userId, requestId, signal, log }) => {
    const call = { userId, requestId, signal }

    async function estimatesOf({ connectionId, provider, streams }: PlannedConnection): Promise<Estimates> {
      if (!streams.some(({ stream, walks }) => isCharged(provider, stream) && walks.includes('backfill'))) return []
      try {
        const within = AbortSignal.any([signal, AbortSignal.timeout(costMs)])
        return (await accounts.getEstimate({ ...call, params: { connectionId }, signal: within })).streams
      } catch (error) {
        log.warn({ error: errorFields(error), connectionId }, 'What it costs is not known')
        return []
      }
    }

    async function withCost(connection: PlannedConnection) {
      const estimates = await estimatesOf(connection)
      const streams = connection.streams.map((planned) => {
        const reads = planned.walks.includes('backfill') ? estimates.find(({ stream }) => stream === planned.stream)?.reads : null
        return { ...planned, cost: isCharged(connection.provider, planned.stream) ? { reads: reads ?? null } : null }
      })
      return { ...connection, streams }
    }

    const { connections } = await accounts.planSync({ ...call, body })
    return { connections: await Promise.all(connections.map(withCost)) }
  }
}
