import type { conductorRoutes, NetworkWork, QueueStatus } from '@asheville/clients'
import { findHeld, listWorkers, readQueue } from '@asheville/jobs'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { requireOwner } from './require-owner.ts'

const nothing: NetworkWork = { due: 0, late: 0, oldestDueAt: null, parked: 0, leased: 0 }

export function getQueues({ accounts, networks, queue, redis }: Context): Handler<typeof conductorRoutes.getQueues> {
  return async ({ userId, requestId, signal }) => {
    await requireOwner(accounts, { userId, requestId, signal })
    const [{ controls }, { networks: works }, workers, statuses] = await Promise.all([
      accounts.listControls({ requestId, signal }),
      accounts.countWork({ requestId, signal }),
      listWorkers(redis),
      Promise.all(
        networks.map(async ({ id }): Promise<Omit<QueueStatus, 'isPaused' | 'jobsPerMinute' | 'inPostgres'>> => {
          const [{ oldestWaitingAt, ...counts }, held] = await Promise.all([readQueue(queue, id), findHeld(redis, id, null)])
          return {
            network: id,
            ...counts,
            oldestWaitingAt: oldestWaitingAt?.toISOString() ?? null,
            held: held && { reason: held.reason, until: held.until.toISOString() },
          }
        }),
      ),
    ])
    const said = new Map(controls.map((control) => [control.network, control]))
    const counted = new Map(works.map(({ network, ...work }) => [network, work]))
    return {
      networks: statuses.map((status) => ({
        ...{ isPaused: false, jobsPerMinute: null },
        ...status,
        ...said.get(status.network),
        inPostgres: counted.get(status.network) ?? nothing,
      })),
      workers,
    }
  }
}
