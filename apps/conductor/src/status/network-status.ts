import type { Connection, NetworkStatus, StreamStatus, TypeStatus } from '@asheville/clients'
import { isAllowed, type ContentType } from '@asheville/core'
import { streamKey } from '@asheville/jobs'
import type { NetworkFacts, PlatformClient } from '../context.ts'
import { paceOf } from './paces-of.ts'
import { standingOf, type Facts } from './standing-of.ts'

export type Count = Awaited<ReturnType<PlatformClient['getCounts']>>['counts'][number]

/** What is known of one connection. */
export interface Known {
  connection: Connection
  /** Its adapter; null: this version has none of its name. */
  network: NetworkFacts | null
  streams: readonly StreamStatus[]
  /** null: not known just now. */
  counts: readonly Count[] | null
  readsThisMonth: number
  isPausedHere: boolean
  /** Items a minute, by `streamKey`. */
  rates: ReadonlyMap<string, number>
  now: Date
}

/** Where one connection stands, as a whole and by content type. Pure. */
export function networkStatus({ connection, network, streams, counts, readsThisMonth, isPausedHere, rates, now }: Known): NetworkStatus {
  const facts: Facts = { connection, name: nameOf(connection, network), readsThisMonth, isPausedHere, now }
  const typesOf = (stream: string): readonly ContentType[] => network?.streams.find(({ name }) => name === stream)?.contentTypes ?? []
  const countOf = (contentType: ContentType) => counts?.find((row) => row.contentType === contentType)
  const stored = (contentType: ContentType): Pick<TypeStatus, 'contentType' | 'stored' | 'available' | 'oldest' | 'newest'> => {
    const count = countOf(contentType)
    const told = streams.map(({ available }) => available[contentType]).filter((number) => number !== undefined)
    return {
      contentType,
      stored: counts && (count?.items ?? 0),
      available: told.length === 0 ? null : told.reduce((sum, number) => sum + number, 0),
      oldest: count?.oldest ?? null,
      newest: count?.newest ?? null,
    }
  }
  const pace = (stream: StreamStatus) =>
    paceOf(rates.get(streamKey(connection.id, stream.stream)), typesOf(stream.stream).map(stored), stream)
  const mayBePulled = (name: string): boolean => {
    const stream = network?.streams.find((each) => each.name === name)
    return stream === undefined || isAllowed(stream, connection.declined)
  }
  const allowed = streams.filter(({ stream }) => mayBePulled(stream))
  const typeStatus = (contentType: ContentType): TypeStatus => {
    const carriers = (network?.streams ?? []).filter(({ contentTypes }) => contentTypes.includes(contentType))
    const mine = allowed.filter(({ stream }) => carriers.some(({ name }) => name === stream))
    const isWithheld = carriers.length > 0 && !carriers.some(({ name }) => mayBePulled(name))
    const isCleared = connection.clearing.includes(contentType)
    const standing = standingOf(facts, mine, pace)
    return {
      ...standing,
      ...stored(contentType),
      ...(mine.length > 0 && standing.isComplete ? found(connection, carriers, countOf(contentType)) : unknown),
      ...(isWithheld && withheld),
      ...(isCleared && clearing),
    }
  }
  const isWithheld = streams.length > 0 && allowed.length === 0 && connection.state === 'active'
  return {
    connection,
    ...standingOf(facts, isWithheld ? streams : allowed, pace),
    ...(isWithheld && withheld),
    types: shownTypes(connection, network, streams, counts ?? []).map(typeStatus),
    streams: [...streams],
    readsThisMonth,
  }
}

const unknown = { oldestAvailable: null, newestAvailable: null }

/** Dates of what the network has, of which everything has been gone through that it gives and the person wants. */
function found(
  { settings: { range } }: Connection,
  carriers: NetworkFacts['streams'],
  count: Count | undefined,
): Pick<TypeStatus, 'oldestAvailable' | 'newestAvailable'> {
  const isAll = range.from === null && carriers.every(({ reach }) => reach === undefined)
  return {
    oldestAvailable: isAll ? (count?.oldestThere ?? null) : null,
    newestAvailable: range.to === null ? (count?.newestThere ?? null) : null,
  }
}

/** The person allowed nothing that it could be pulled with. */
const withheld = { word: 'action-required', waitsFor: null, until: null, reason: null, action: 'allow', nextRunAt: null } as const

/** Whatever else holds of it. */
const clearing = { word: 'clearing', waitsFor: null, until: null, reason: null, action: null, nextRunAt: null } as const

/** Of networks that have many servers, the server. */
function nameOf({ server, provider }: Connection, network: NetworkFacts | null): string {
  return server === null ? (network?.title ?? provider) : new URL(server).host
}

/** What the person wants of what the network has, whatever is being removed, and whatever is stored besides; in the network's order. */
function shownTypes(
  { settings: { contentTypes: wanted }, clearing }: Connection,
  network: NetworkFacts | null,
  streams: readonly StreamStatus[],
  counts: readonly Count[],
): ContentType[] {
  const known = (network?.streams ?? []).filter(({ name }) => streams.length === 0 || streams.some(({ stream }) => stream === name))
  const offered = known.flatMap(({ contentTypes }) => contentTypes).filter((type) => wanted === null || wanted.includes(type))
  return [...new Set([...offered, ...clearing, ...counts.filter(({ items }) => items > 0).map(({ contentType }) => contentType)])]
}
