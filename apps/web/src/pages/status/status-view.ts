import type { NetworkStatus, StreamStatus, Sync } from '@asheville/clients'
import { isAllowed, isPaid, type ContentType, type Network } from '@asheville/core'
import type { SafeHtml } from '../../html.ts'
import { html } from '../../html.ts'
import type { Format } from '../../format.ts'
import type { Translate } from '../../i18n.ts'

export type Tone = 'good' | 'busy' | 'wait' | 'bad' | 'still'

export interface Badge {
  tone: Tone
  icon: string
  text: string | SafeHtml
}

export interface TypeRow {
  contentType: ContentType
  /** null: nobody knows just now. */
  items: number | null
  available: number | null
  /** How far it is; `'unknown'` moves without an end; null: no bar. */
  progress: { value: number; max: number } | 'unknown' | null
  badge: Badge
  /** Why nothing of it is copied: the person did not allow it, or was not even asked; null: it is copied. */
  withheld: Withheld | null
  /** What the network does not give of it whoever asks, in sentences. */
  reach: string[]
  oldest: string | null
  newest: string | null
}

type Withheld = 'declined' | 'unasked'

export interface NetworkCard {
  id: string
  provider: string
  title: string
  handle: string
  url: string | null
  badge: Badge
  /** More words about the state, for the person to act on. */
  reason: string | null
  isPaused: boolean
  needsReconnect: boolean
  /** The storage takes no more. */
  isFull: boolean
  isWorking: boolean
  /** Something of it is to be done once a limit is over, or the network answers again. */
  isHeld: boolean
  /** Something was never copied to its end, and nothing of it is under way. */
  isUnfinished: boolean
  /** Something was not allowed, and can be by connecting again. */
  canAllow: boolean
  /** Something cannot be allowed, as the operator's app does not ask for it. */
  isUnasked: boolean
  /** Nothing of it is copied, as all of it was withheld. */
  isWithheld: boolean
  rows: TypeRow[]
  skipped: { count: number; reasons: { reason: string; count: number }[] }
  lastSyncedAt: string | null
  nextDueAt: string | null
  /** Of a network that charges for what is read. `isReached`: it waits for the next month, whose beginning is `until`. */
  cost: { readsThisMonth: number; bound: number | null; isReached: boolean; until: string | null } | null
}

export interface StatusView {
  headline: string
  networks: NetworkCard[]
  /** The sync that can be cancelled. */
  runningSyncId: string | null
  isWorking: boolean
  lastSync: { at: string; tally: Sync['tally'] } | null
}

type Streams = Network['streams']

/** Of an adapter. `asks`: the scopes that people are asked to allow; null: nobody knows just now. */
export interface KnownNetwork {
  title: string
  streams: Streams
  asks: readonly string[] | null
}

/** What a person sees of their networks, from what the conductor tells. */
export function statusView(
  status: { networks: NetworkStatus[]; syncs: Sync[] },
  networkOf: (id: string) => KnownNetwork | null,
  t: Translate,
  fmt: Format,
): StatusView {
  const networks = status.networks.map((network) => networkCard(network, networkOf(network.connection.provider), t, fmt))
  const running = status.syncs.find(({ state }) => state === 'running') ?? null
  const last = status.syncs.find(({ finishedAt, state }) => finishedAt !== null && state === 'done') ?? null
  const isWorking = running !== null || networks.some((card) => card.isWorking)
  return {
    headline: headlineOf(networks, isWorking, t),
    networks,
    runningSyncId: running?.id ?? null,
    isWorking,
    lastSync: last?.finishedAt ? { at: last.finishedAt, tally: last.tally } : null,
  }
}

function headlineOf(networks: readonly NetworkCard[], isWorking: boolean, t: Translate): string {
  const troubled = networks.find(({ badge }) => badge.tone === 'bad')
  const working = networks.filter((card) => card.isWorking).length
  const held = networks.filter((card) => card.isHeld).length
  if (networks.length === 0) return t('status.headline-empty')
  if (working > 0) return t('status.headline-working', { count: working })
  if (troubled?.isFull) return t('state.full')
  if (troubled) return t('status.headline-trouble', { network: troubled.title })
  if (held > 0) return t('status.headline-held', { count: held })
  if (isWorking) return t('status.headline-starting')
  if (networks.every(({ isWithheld }) => isWithheld)) return t('status.headline-withheld')
  if (networks.every(({ isPaused, isWithheld }) => isPaused || isWithheld)) return t('status.headline-paused')
  if (networks.some(({ isUnfinished }) => isUnfinished)) return t('status.headline-unfinished')
  if (networks.some(({ isPaused }) => isPaused)) return t('status.headline-paused-some')
  return t('status.headline-done')
}

function networkCard(
  { connection, streams: all, stored, readsThisMonth }: NetworkStatus,
  network: KnownNetwork | null,
  t: Translate,
  fmt: Format,
): NetworkCard {
  const title = network?.title ?? connection.provider
  const where = connection.server ? new URL(connection.server).host : title
  const withheld = (network?.streams ?? []).filter((stream) => !isAllowed(stream, connection.declined)).map(({ name }) => name)
  const streams = all.filter(({ stream }) => !withheld.includes(stream))
  const isWithheld = all.length > 0 && streams.length === 0
  const worst = worstOf(streams)
  const { readsPerMonth: bound } = connection.settings
  const isReached = worst?.state === 'waiting' && bound !== null && readsThisMonth >= bound
  const connectionBadge =
    badgeOfConnection(connection.state, title, t) ?? (isReached ? { tone: 'wait' as const, icon: 'clock', text: t('state.bound') } : null)
  const badge = connectionBadge ?? (isWithheld ? withheldBadge(t('state.withheld')) : badgeOfStream(worst, where, t, fmt))
  const rows = typesOf(connection.settings.contentTypes, all, stored, network?.streams ?? []).map((contentType) => {
    const row = typeRow(contentType, connectionBadge, streams, stored, network?.streams ?? [], where, t, fmt)
    return withheldRow(row, connection.declined, network, t)
  })
  const skipped = streams.flatMap((stream) => stream.skipped)
  const reasons = Map.groupBy(skipped, ({ reason }) => reason)
  return {
    id: connection.id,
    provider: connection.provider,
    title,
    handle: connection.handle,
    url: connection.url,
    badge,
    reason: connectionBadge
      ? connection.stateReason
      : worst && (worst.state === 'failed' || worst.state === 'retrying' || worst.state === 'waiting')
        ? worst.reason
        : null,
    isPaused: connection.state === 'paused',
    needsReconnect: connection.state === 'reconnect',
    isFull: connection.state === 'full',
    isWorking: streams.some(({ state }) => state === 'running' || state === 'queued'),
    isHeld: connection.state === 'active' && streams.some(({ state }) => state === 'waiting' || state === 'retrying'),
    isUnfinished: connection.state === 'active' && streams.some(isUnfinished),
    canAllow: rows.some((row) => row.withheld === 'declined'),
    isUnasked: rows.some((row) => row.withheld === 'unasked'),
    isWithheld,
    rows,
    skipped: {
      count: streams.reduce((sum, { tally }) => sum + tally.skipped, 0),
      reasons: [...reasons].map(([reason, items]) => ({ reason, count: items.length })).sort((a, b) => b.count - a.count),
    },
    lastSyncedAt: latest(all.map(({ lastSyncedAt }) => lastSyncedAt)),
    nextDueAt: connection.state === 'active' ? earliest(streams.map(({ nextDueAt }) => nextDueAt)) : null,
    cost: network && isPaid(network) ? { readsThisMonth, bound, isReached, until: worst?.until ?? null } : null,
  }
}

function withheldBadge(text: string): Badge {
  return { tone: 'still', icon: 'lock', text }
}

/** A type of which no stream may be pulled says so, whatever else there is to say of it. */
function withheldRow(row: TypeRow, declined: readonly string[], network: KnownNetwork | null, t: Translate): TypeRow {
  const carriers = (network?.streams ?? []).filter(({ contentTypes }) => contentTypes.includes(row.contentType))
  if (carriers.length === 0 || carriers.some((stream) => isAllowed(stream, declined))) return row
  const asks = network?.asks ?? null
  const missing = carriers.map(({ scopes = [] }) => scopes.filter((scope) => declined.includes(scope)))
  const canBeAsked = asks === null || missing.some((scopes) => scopes.every((scope) => asks.includes(scope)))
  const withheld = canBeAsked ? 'declined' : 'unasked'
  return { ...row, withheld, reach: [], progress: null, badge: withheldBadge(t(canBeAsked ? 'status.declined' : 'status.unasked')) }
}

function isUnfinished({ state, lastSyncedAt, backfilling }: StreamStatus): boolean {
  return state === 'cancelled' || (state === 'idle' && (backfilling || lastSyncedAt === null))
}

function badgeOfConnection(state: NetworkStatus['connection']['state'], title: string, t: Translate): Badge | null {
  if (state === 'reconnect') return { tone: 'bad', icon: 'warning', text: t('state.reconnect', { network: title }) }
  if (state === 'full') return { tone: 'bad', icon: 'disk', text: t('state.full') }
  if (state === 'paused') return { tone: 'still', icon: 'pause', text: t('state.paused') }
  return null
}

function badgeOfStream(stream: StreamStatus | null, where: string, t: Translate, fmt: Format): Badge {
  const until = stream?.until ? fmt.time(stream.until, isFar(stream.until) ? 'moment' : 'clock') : null
  const withTime = (key: string) => {
    const [before = '', after = ''] = t(key, { server: where, time: '\u0000' }).split('\u0000')
    return html`${before}${until}${after}`
  }
  switch (stream?.state) {
    case 'running':
      return { tone: 'busy', icon: 'turning', text: t('state.running') }
    case 'queued':
      return { tone: 'busy', icon: 'clock', text: t('state.queued') }
    case 'waiting':
      return { tone: 'wait', icon: 'clock', text: until ? withTime('state.waiting-until') : t('state.waiting', { server: where }) }
    case 'retrying':
      return { tone: 'wait', icon: 'clock', text: until ? withTime('state.retrying-at') : t('state.retrying') }
    case 'failed':
      return { tone: 'bad', icon: 'warning', text: t('state.failed') }
    case 'cancelled':
      return { tone: 'still', icon: 'stop', text: t('state.cancelled') }
    case 'idle':
      if (stream.lastSyncedAt !== null && !stream.backfilling) return { tone: 'good', icon: 'check', text: t('state.done') }
      return { tone: 'still', icon: 'clock', text: t('state.not-yet') }
    case undefined:
      return { tone: 'still', icon: 'clock', text: t('state.not-yet') }
  }
}

/** Not today or in the night to come: the time of day alone would say nothing. */
function isFar(instant: string): boolean {
  return Date.parse(instant) - Date.now() > 20 * 3600_000
}

/** What a person should hear of first, when several streams make one card or row. */
const urgency: readonly StreamStatus['state'][] = ['failed', 'running', 'waiting', 'retrying', 'queued', 'cancelled', 'idle']

function worstOf(streams: readonly StreamStatus[]): StreamStatus | null {
  const rank = ({ state, lastSyncedAt }: StreamStatus) => urgency.indexOf(state) - (state === 'idle' && lastSyncedAt === null ? 0.5 : 0)
  return streams.toSorted((a, b) => rank(a) - rank(b))[0] ?? null
}

function typesOf(
  wanted: readonly ContentType[] | null,
  statuses: readonly StreamStatus[],
  stored: NetworkStatus['stored'],
  streams: Streams,
): ContentType[] {
  const known = streams.filter(({ name }) => statuses.length === 0 || statuses.some(({ stream }) => stream === name))
  const offered = known.flatMap(({ contentTypes }) => contentTypes).filter((type) => wanted === null || wanted.includes(type))
  return [...new Set([...offered, ...(stored ?? []).filter(({ items }) => items > 0).map(({ contentType }) => contentType)])]
}

function typeRow(
  contentType: ContentType,
  connectionBadge: Badge | null,
  statuses: readonly StreamStatus[],
  stored: NetworkStatus['stored'],
  streams: Streams,
  where: string,
  t: Translate,
  fmt: Format,
): TypeRow {
  const carriers = streams.filter(({ contentTypes }) => contentTypes.includes(contentType))
  const names = new Set(carriers.map(({ name }) => name))
  const mine = worstOf(statuses.filter(({ stream }) => names.has(stream)))
  const known = stored?.find((row) => row.contentType === contentType)
  const items = stored === null ? null : (known?.items ?? 0)
  const available = known?.available ?? mine?.available[contentType] ?? null
  return {
    contentType,
    items,
    available,
    progress: progressOf(items, available, mine),
    badge: connectionBadge ?? badgeOfStream(mine, where, t, fmt),
    withheld: null,
    reach: [...new Set(carriers.flatMap(({ reach = [] }) => reach))],
    oldest: known?.oldest ?? null,
    newest: known?.newest ?? null,
  }
}

function progressOf(items: number | null, available: number | null, stream: StreamStatus | null): TypeRow['progress'] {
  const isOpen = stream !== null && (stream.backfilling || stream.state !== 'idle')
  if (!isOpen || stream.state === 'failed' || items === null) return null
  if (available !== null && available > 0) return { value: Math.min(items, available), max: available }
  return stream.state === 'running' ? 'unknown' : null
}

function latest(instants: readonly (string | null)[]): string | null {
  return (
    instants
      .filter((instant) => instant !== null)
      .sort()
      .at(-1) ?? null
  )
}

function earliest(instants: readonly (string | null)[]): string | null {
  return instants.filter((instant) => instant !== null).sort()[0] ?? null
}
