import { maxLeases, type EndedLease, type Refused, type Returned, type Taken, type WantedLease } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { gather } from './gather.ts'
import type { AccountsClient } from './pull-parts.ts'

/** Long enough for jobs that begin or end together, too short for anybody to notice. In ms. */
const takeWithin = 5
const returnWithin = 20

/** A process's ways to take streams and to give them back; each throws as a call by itself would. */
export interface LeaseCalls {
  takeLease(wanted: WantedLease): Promise<Taken>
  returnLease(ended: EndedLease): Promise<Returned>
}

/** The jobs of one process ask together. `holder` names the process. */
export function createLeaseCalls(accounts: Pick<AccountsClient, 'takeLeases' | 'returnLeases'>, holder: string): LeaseCalls {
  return {
    takeLease: gather<WantedLease, Taken>(
      async (streams) => (await accounts.takeLeases({ body: { holder, streams: [...streams] } })).leases.map(orError),
      { ms: takeWithin, most: maxLeases },
    ),
    returnLease: gather<EndedLease, Returned>(
      async (leases) => (await accounts.returnLeases({ body: { leases: [...leases] } })).ends.map(orError),
      { ms: returnWithin, most: maxLeases },
    ),
  }
}

function orError<Answer extends object>(answer: Answer | Refused): Answer | AshevilleError {
  if (!('refused' in answer)) return answer
  const { kind, detail, retryAfterMs } = answer.refused
  return new AshevilleError(kind, detail, { ...(retryAfterMs !== undefined && { retryAfterMs }) })
}
