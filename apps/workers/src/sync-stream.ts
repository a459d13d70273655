import { existsSync, mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createAccessToken, type Connection, type Lease } from '@asheville/clients'
import { AshevilleError, kindOf, type AccountNames, type Fields, type Http, type Network, type PullIo, type Stream } from '@asheville/core'
import { done, holdBack, later, streamKey, type Held, type JobEnd, type Producer, type SyncJobData } from '@asheville/jobs'
import type { Redis } from '@asheville/redis'
import { errorFields, type Logger } from '@asheville/service'
import { defaultLimits, type BatchLimits } from './batches.ts'
import { holdLease, type HeldLease } from './held-lease.ts'
import { finished, outcomeOfError, outcomeOfStop, yielded, type SliceEnd } from './job-outcome.ts'
import { createMediaTransfer, defaultMediaLimits, type MediaLimits } from './media-transfer.ts'
import type { LeaseCalls } from './lease-calls.ts'
import { createLedger, type Ledger } from './ledger.ts'
import type { AccountsClient, PlatformClient, Target } from './pull-parts.ts'
import { planWalks, pullWalks, type PullParts } from './pull-walks.ts'
import { retryMedia } from './retry-media.ts'
import { showWork } from './show-work.ts'
import { createSlice, defaultSlice, type SliceLimits } from './slice.ts'
import { createTurn, type Turn, type Turns } from './turns.ts'
import { withBudgets } from './with-budgets.ts'
import { createReads } from './within-reads.ts'

/** What a worker process has to pull with. */
export interface Workshop {
  accounts: AccountsClient
  leases: LeaseCalls
  platform: PlatformClient
  redis: Redis
  producer: Producer
  /** The way out for a connection. */
  httpFor(connectionId: string): Http
  /** Adapters' settings, by name. */
  variables: Fields
  scratchDir: string
  /** Names this process in leases. */
  holder: string
  log: Logger
  limits?: { slice?: SliceLimits; batch?: BatchLimits; media?: MediaLimits }
}

/** The other jobs of the network. */
export interface Crowd {
  /** Those of this process: so many pull and store at once, while the others only look whether there is anything. */
  turns: Turns
  /** Whether a job waits in the queue. */
  hasWaiting(): Promise<boolean>
  /** What those on this server are held back by. */
  findHeld(server: string | null): Promise<Held | null>
}

/**
 * One slice of work on a stream of a connection: takes its lease, pulls, stores, checkpoints, returns the lease with the
 * outcome. Resolves to what becomes of the job; never throws for what networks, storages or our services do.
 */
export async function syncStream(shop: Workshop, network: Network, job: SyncJobData, signal: AbortSignal, crowd: Crowd): Promise<JobEnd> {
  const { syncId, userId, connectionId, requestId } = job
  const stream = network.streams.find(({ name }) => name === job.stream)
  if (!stream) return done

  const id = { userId, connectionId, stream: stream.name }
  const context = { userId, requestId }
  // Most have nothing to say.
  const log = () => shop.log.child({ requestId, connectionId, stream: stream.name, network: network.id })
  const taken = await shop.leases
    .takeLease({ ...id, syncId, streamVersion: stream.version })
    .catch((error: unknown) => endWithout(error, log()))
  if ('kind' in taken) return taken
  const { lease, otherSyncId } = taken
  if (otherSyncId !== undefined) return syncStream(shop, network, { ...job, syncId: otherSyncId }, signal, crowd)
  const scratch = join(shop.scratchDir, streamKey(connectionId, stream.name))
  if (!lease) {
    await clear(scratch)
    return done
  }

  const held = holdLease(shop.accounts, { fence: lease.fence, connectionId, stream: stream.name, ...context }, signal)
  const shown = showWork(shop.redis, { userId, connectionId, stream: stream.name, isNew: lease.needsPlan })
  const target = targetOf(network, stream, job, lease)
  const ledger = createLedger({ accounts: shop.accounts, target, lease: held, onTold: shown.show })

  const turn = createTurn(crowd.turns, { isUrgent: lease.trigger !== 'schedule', signal: held.signal })
  const hasWaiting = async () => crowd.turns.hasWaiting() || (await crowd.hasWaiting())
  let hasStored = false
  let ending: SliceEnd
  let mediaDueAt: string | null | undefined
  try {
    const back = await crowd.findHeld(lease.connection.server).catch(() => null)
    if (back) throw new AshevilleError('rate-limited', back.reason, { retryAfterMs: back.until.getTime() - Date.now() })
    const onFile = () => (hasStored = true)
    const parts = gatherParts(shop, network, stream, { target, lease, held, ledger, turn, scratch, hasWaiting, onFile })
    parts.onStored = (tally, pages) => {
      if (Object.values(tally).every((count) => count === 0)) return
      shown.tell({ type: 'progress', connectionId, stream: stream.name, new: tally.new, changed: tally.changed, pages })
    }
    const walks = lease.needsPlan ? await planWalks(parts, lease.walks) : lease.walks
    ending = (await pullWalks(parts, walks)) ? finished : yielded
    if (ending === finished && lease.triesMedia) mediaDueAt = await retryMedia(parts)
  } catch (error) {
    if (held.stop === null) await heed(shop, network, lease.connection.server, error)
    const circumstances = { title: network.title, attempts: lease.attempts, hasStored, now: new Date(), random: Math.random() }
    ending = held.stop === null ? outcomeOfError(error, circumstances) : outcomeOfStop(held.stop, circumstances.now)
    if (held.stop === null) log().info({ ...errorFields(error), outcome: ending.outcome?.kind }, 'The slice ended early')
  } finally {
    turn.end()
    held.release()
  }
  const wasShown = shown.end()

  const { outcome } = ending
  if (outcome === null) return ending.end
  if (ending.end.kind === 'done') await clear(scratch)
  const returned = await shop.leases
    .returnLease({ ...id, fence: lease.fence, outcome, quiet: ledger.quiet, mediaDueAt, renamed: renamed(target, lease) })
    .catch((error: unknown) => {
      // Begun again meanwhile: that has a job of its own, which follows this one.
      if (held.stop === 'cancelled' && kindOf(error) === 'conflict') return done
      return endWithout(error, log())
    })
  if ('kind' in returned) return returned
  const isOver = returned.isWanted && outcome.kind !== 'yielded' && (wasShown || outcome.kind !== 'done')
  if (isOver) shown.tell({ type: 'stream', connectionId, stream: stream.name, state: stateAfter[outcome.kind] })
  // Nobody waits for a scheduled sync that brings nothing. Of others the conductor says it again once what is written once per sync is written.
  const isNews = wasShown || lease.trigger !== 'schedule' || ledger.quiet === undefined
  if (returned.syncState !== 'running' && isNews) shown.tell({ type: 'sync', syncId, state: returned.syncState })
  for (const { network: queue, trigger, ...next } of returned.next) {
    // Should it fail, a claim brings it.
    const queued = shop.producer.enqueueSync(queue, { ...next, requestId }, { isScheduled: trigger === 'schedule' })
    await queued.catch((error: unknown) => log().info(errorFields(error), 'A job that has its turn is left to be claimed'))
  }
  return returned.isWanted && !returned.isParked ? ending.end : done
}

const stateAfter = {
  done: 'idle',
  waiting: 'waiting',
  held: 'waiting',
  retrying: 'retrying',
  failed: 'failed',
} as const

/** What the person is called now at the network, if that is not what accounts knows. */
function renamed({ account: { handle, title, url } }: Target, { connection }: Lease): AccountNames | undefined {
  const isKnown = handle === connection.handle && title === connection.title && url === connection.url
  return isKnown ? undefined : { handle, title, url }
}

/** Most streams have none. */
async function clear(scratch: string): Promise<void> {
  if (existsSync(scratch)) await rm(scratch, { recursive: true, force: true })
}

/** Accounts could not be asked, or somebody else holds the lease: the job comes back soon and finds out. */
function endWithout(error: unknown, log: Logger): JobEnd {
  const kind = kindOf(error)
  if (kind === 'not-found') return done
  if (kind !== 'conflict' && kind !== 'unavailable') log.warn(errorFields(error), 'The lease could not be taken or returned')
  const told = error instanceof AshevilleError ? error.retryAfterMs : undefined
  return later(Math.max(500, told ?? 1500 + Math.random() * 1500))
}

/** A limit of more than the connection holds the others back too, before they run into it. */
async function heed(shop: Workshop, network: Network, server: string | null, error: unknown): Promise<void> {
  if (!(error instanceof AshevilleError) || error.kind !== 'rate-limited' || error.scope === 'connection') return
  const until = new Date(Date.now() + (error.retryAfterMs ?? 60_000))
  const held = { until, reason: error.message }
  await holdBack(shop.redis, network.id, error.scope === 'server' ? server : null, held).catch(() => undefined)
}

interface Slicing {
  target: Target
  lease: Lease
  held: HeldLease
  ledger: Ledger
  turn: Turn
  scratch: string
  hasWaiting: () => Promise<boolean>
  /** A file is stored that was not there before. */
  onFile: () => void
}

function targetOf(network: Network, stream: Stream, job: SyncJobData, lease: Lease): Target {
  const { connection, storageId, fence } = lease
  return {
    storageId,
    connectionId: connection.id,
    stream: stream.name,
    fence,
    network: network.id,
    account: { id: connection.accountId, handle: connection.handle, title: connection.title, url: connection.url },
    copies: connection.settings.copies,
    context: { userId: job.userId, requestId: job.requestId },
  }
}

function gatherParts(shop: Workshop, network: Network, stream: Stream, slicing: Slicing): PullParts {
  const { target, lease, held, ledger, turn, scratch } = slicing
  const { connection } = lease
  const token = createAccessToken(shop.accounts, { ...target.context, connectionId: connection.id, signal: held.signal }, lease.access)
  const http = shop.httpFor(connection.id)
  const io: PullIo = {
    http: withBudgets(http, shop.redis, network, { connectionId: connection.id, server: connection.server }),
    token: () => token.get(),
    server: connection.server,
    fields: connection.fields,
    account: { id: connection.accountId, handle: connection.handle },
    variables: shop.variables,
    scratch() {
      mkdirSync(scratch, { recursive: true, mode: 0o700 })
      return scratch
    },
    signal: held.signal,
    now: () => new Date(),
  }
  const { accounts, platform, limits } = shop
  // Whatever makes us stop, what was read is counted: by no signal of ours, only by the client's own deadline.
  const count = async (reads: number) =>
    (await accounts.countReads({ ...target.context, params: { connectionId: connection.id }, body: { reads } })).readsLeft
  const check = () => held.check()
  const mediaParts = { network, platform, io, http, target, limits: limits?.media ?? defaultMediaLimits, check, onStored: slicing.onFile }
  return {
    platform,
    stream,
    io,
    target,
    lease: held,
    ledger,
    token,
    media: createMediaTransfer(mediaParts),
    slice: createSlice(limits?.slice ?? defaultSlice, slicing.hasWaiting),
    reads: createReads(lease.readsLeft, count),
    turn,
    batchLimits: limits?.batch ?? defaultLimits,
    wanted: { head: lease.head, contentTypes: wantedTypes(connection, stream), range: connection.settings.range },
    onStored: () => undefined,
  }
}

/** What the person wants of what the stream has; null in the settings is everything. */
function wantedTypes({ settings }: Connection, stream: Stream) {
  const { contentTypes } = settings
  return contentTypes === null ? stream.contentTypes : stream.contentTypes.filter((type) => contentTypes.includes(type))
}
