import type { EndedLease, Refused, WantedLease } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import type { Accounts } from './start-accounts.ts'

/** A batch of one, answered or thrown as that one is. */
export async function takeLease(workers: Accounts, holder: string, wanted: WantedLease) {
  const { leases } = await workers.takeLeases({ body: { holder, streams: [wanted] } })
  return orThrow(leases[0]!)
}

export async function returnLease(workers: Accounts, ended: EndedLease) {
  const { ends } = await workers.returnLeases({ body: { leases: [ended] } })
  return orThrow(ends[0]!)
}

function orThrow<Answer extends object>(answer: Answer | Refused): Answer {
  if ('refused' in answer) throw new AshevilleError(answer.refused.kind, answer.refused.detail)
  return answer
}
