import type { accountsRoutes, Client } from '@asheville/clients'
import { AshevilleError, kindOf, throwIfAborted } from '@asheville/core'
import type { StopReason } from '@asheville/jobs'
import type { Stop } from './job-outcome.ts'

/** How long a lease lasts without being renewed, and how often that is done. */
const leaseMs = 30_000
const heartbeatMs = 10_000

/** A stream's lease while we hold it, kept alive by checkpoints and heartbeats. */
export interface HeldLease {
  readonly fence: number
  /** Aborts for every reason to stop; `stop` says which. */
  readonly signal: AbortSignal
  /** Aborts when the lease is lost: for writes, which otherwise are finished once begun, so that they need not be done again. */
  readonly lost: AbortSignal
  readonly stop: Stop | null
  /** Throws when there is a reason to stop; called before every write, for a process that was frozen learns nothing by timers. */
  check(): void
  /** Throws when the lease is lost: between the parts of one write. */
  checkHeld(): void
  /** A reply of accounts that renewed the lease; `askedAt` is when it was asked for (`performance.now()`). */
  renewed(reply: { mustStop: boolean }, askedAt: number): void
  /** Stops the heartbeat. */
  release(): void
}

interface LeaseOf {
  fence: number
  userId: string
  connectionId: string
  stream: string
  requestId: string
}

/**
 * Renews the lease until it is released. It is lost when accounts has given it to another, or when nobody renewed it in
 * time by our own clock: then we stop by ourselves, though an older fence could do no harm.
 */
export function holdLease(accounts: Pick<Client<typeof accountsRoutes>, 'renewLease'>, lease: LeaseOf, jobSignal: AbortSignal): HeldLease {
  const { fence, userId, connectionId, stream, requestId } = lease
  const stopping = new AbortController()
  const losing = new AbortController()
  let stop: Stop | null = null
  let renewedAt = performance.now()

  const stopFor = (reason: Stop) => {
    // Whatever else stops us: a lost lease is not to be given back.
    stop = stop === null || reason === 'lease-lost' ? reason : stop
    const error = new AshevilleError('cancelled', `Stopped: ${reason}`)
    stopping.abort(error)
    if (reason === 'lease-lost') losing.abort(error)
  }
  const onJobAbort = () => stopFor(jobSignal.reason as StopReason)
  if (jobSignal.aborted) onJobAbort()
  else jobSignal.addEventListener('abort', onJobAbort, { once: true })

  const renewed: HeldLease['renewed'] = (reply, askedAt) => {
    renewedAt = Math.max(renewedAt, askedAt)
    if (reply.mustStop) stopFor('cancelled')
  }

  const stopIfExpired = () => {
    if (performance.now() - renewedAt > leaseMs) stopFor('lease-lost')
  }

  const beat = async () => {
    stopIfExpired()
    if (losing.signal.aborted) return
    const askedAt = performance.now()
    if (askedAt - renewedAt < heartbeatMs / 2) return
    try {
      const input = { params: { connectionId, stream }, body: { fence }, userId, requestId, signal: losing.signal }
      renewed(await accounts.renewLease(input), askedAt)
    } catch (error) {
      if (['conflict', 'not-found'].includes(kindOf(error))) stopFor('lease-lost')
      // Else accounts is away for a moment; the lease still lasts a while.
    }
  }
  const timer = setInterval(() => void beat(), heartbeatMs)

  return {
    fence,
    signal: stopping.signal,
    lost: losing.signal,
    get stop() {
      return stop
    },
    check() {
      stopIfExpired()
      throwIfAborted(stopping.signal)
    },
    checkHeld() {
      stopIfExpired()
      throwIfAborted(losing.signal)
    },
    renewed,
    release() {
      clearInterval(timer)
      jobSignal.removeEventListener('abort', onJobAbort)
    },
  }
}
