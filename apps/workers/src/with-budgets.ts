import { AshevilleError, type Budget, type Http, type Network } from '@asheville/core'
import { takeRequest, type Share } from '@asheville/jobs'
import type { Redis } from '@asheville/redis'

/** Whose share of a network's budgets is meant. */
export interface Asking {
  connectionId: string
  server: string | null
}

/**
 * The way out for asking a network: each request is taken out of its budgets, which all processes share, before it is made. Throws
 * `rate-limited` with the budget's scope where one is used up. While Redis does not answer nothing is counted: the network's own
 * refusals are heeded in any case.
 */
export function withBudgets(http: Http, redis: Redis, network: Pick<Network, 'id' | 'title' | 'budgets'>, asking: Asking): Http {
  const shares = network.budgets.map((budget): Share => ({ ...budget, of: holderOf(budget, asking) }))
  return {
    ...http,
    async fetch(input, init) {
      const spent = await takeRequest(redis, network.id, shares).catch(() => null)
      if (spent) {
        const { per: scope, waitMs: retryAfterMs } = spent
        throw new AshevilleError('rate-limited', `${network.title} allows no more requests for now`, { scope, retryAfterMs })
      }
      return http.fetch(input, init)
    },
  }
}

function holderOf({ per }: Budget, { connectionId, server }: Asking): string | null {
  if (per === 'connection') return connectionId
  return per === 'server' ? server : null
}

/** The networks with so many requests in their budgets' windows where the operator says how many (`REQUEST_BUDGETS`); 0: without bound. */
export function withRequests<N extends Pick<Network, 'id' | 'budgets'>>(
  networks: readonly N[],
  requests: ReadonlyMap<string, number>,
): N[] {
  return networks.map((network) => {
    const most = requests.get(network.id)
    if (most === undefined) return network
    return { ...network, budgets: most === 0 ? [] : network.budgets.map((budget) => ({ ...budget, requests: most })) }
  })
}
