import type { NetworkStatus, Standing, Sync, TypeStatus } from '@asheville/clients'
import { isPaid, type Network } from '@asheville/core'
import type { SafeHtml } from '../../html.ts'
import { html } from '../../html.ts'
import type { Format } from '../../format.ts'
import type { Translate } from '../../i18n.ts'
import { everyText } from '../connection/every.ts'

export type Tone = 'good' | 'busy' | 'wait' | 'bad' | 'still'

export interface Badge {
  tone: Tone
  icon: string
  text: string | SafeHtml
}

export interface TypeRow extends Pick<TypeStatus, 'contentType' | 'stored' | 'available' | 'oldest' | 'newest'> {
  /** How far it is; `'unknown'` moves without an end; null: no bar. */
  progress: { value: number; max: number } | 'unknown' | null
  /** The months of what the network has, where those of what is stored do not say so already. */
  there: { oldest: string; newest: string } | null
  badge: Badge
  /** How fast it comes in, and how long that takes, as far as it is known. */
  pace: string | null
  /** Why nothing of it is copied: the person did not allow it, or was not even asked; null: it is copied. */
  withheld: 'declined' | 'unasked' | null
  /** What the network does not give of it whoever asks, in sentences. */
  reach: string[]
}

export interface NetworkCard {
  id: string
  provider: string
  title: string
  handle: string
  badge: Badge
  /** More words about the state, for the person to act on. */
  reason: string | null
  isPaused: boolean
  needsReconnect: boolean
  /** The storage takes no more. */
  isFull: boolean
  isWorking: boolean
  /** There is something to clear. */
  isStored: boolean
  /** Something of it is to be done once a limit is over, or the network answers again. */
  isHeld: boolean
  isLate: boolean
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
  nextRunAt: string | null
  /** How often it is looked at, in words. */
  every: string
  /** Copies are as the network has it; else they keep what was. */
  mirrors: boolean
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

/** Of an adapter. `asks`: the scopes that people are asked to allow; null: nobody knows just now. */
export interface KnownNetwork extends Pick<Network, 'title' | 'streams'> {
  asks: readonly string[] | null
}

/** What a person sees of their networks: what the conductor tells of them, in their language. Pure. */
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
  if (networks.some(({ isLate }) => isLate)) return t('status.headline-late')
  if (networks.every(({ isWithheld }) => isWithheld)) return t('status.headline-withheld')
  if (networks.every(({ isPaused, isWithheld }) => isPaused || isWithheld)) return t('status.headline-paused')
  if (networks.some(({ isUnfinished }) => isUnfinished)) return t('status.headline-unfinished')
  if (networks.some(({ isPaused }) => isPaused)) return t('status.headline-paused-some')
  return t('status.headline-done')
}

function networkCard(status: NetworkStatus, network: KnownNetwork | null, t: Translate, fmt: Format): NetworkCard {
  const { connection, types, streams, word, action, readsThisMonth } = status
  const title = network?.title ?? connection.provider
  const reasons = Map.groupBy(
    streams.flatMap((stream) => stream.skipped),
    ({ reason }) => reason,
  )
  const isReached = action === 'raise-bound'
  const rows = types.map((type) => typeRow(type, connection.declined, network, title, t, fmt))
  return {
    id: connection.id,
    provider: connection.provider,
    title,
    handle: connection.handle,
    badge: badgeOf(status, title, t, fmt),
    reason: isReached ? null : status.reason,
    isPaused: word === 'paused',
    needsReconnect: action === 'reconnect',
    isFull: action === 'free-space',
    isWorking: [status, ...types].some(isUnderWay),
    isStored: types.some(({ stored }) => stored !== null && stored > 0),
    isHeld: word === 'waiting' || word === 'retrying',
    isLate: word === 'late',
    isUnfinished: word !== 'paused' && word !== 'action-required' && !status.isComplete,
    canAllow: rows.some(({ withheld }) => withheld === 'declined'),
    isUnasked: rows.some(({ withheld }) => withheld === 'unasked'),
    isWithheld: action === 'allow',
    rows,
    skipped: {
      count: streams.reduce((sum, { tally }) => sum + tally.skipped, 0),
      reasons: [...reasons].map(([reason, items]) => ({ reason, count: items.length })).sort((a, b) => b.count - a.count),
    },
    lastSyncedAt: status.lastSyncedAt,
    nextRunAt: status.nextRunAt,
    every: everyText(connection.settings.syncEveryMinutes, t),
    mirrors: connection.settings.copies === 'mirror',
    cost:
      network && isPaid(network)
        ? { readsThisMonth, bound: connection.settings.readsPerMonth, isReached, until: isReached ? status.until : null }
        : null,
  }
}

function isUnderWay({ word, until }: Standing): boolean {
  return word === 'syncing' || (word === 'queued' && until === null)
}

function badgeOf({ word, waitsFor, until, action }: Standing, title: string, t: Translate, fmt: Format): Badge {
  /** The text with the time in it, or the one without. */
  const timed = (key: string, withTime: string, params: Record<string, string> = {}): string | SafeHtml => {
    if (until === null) return t(key, params)
    const [before = '', after = ''] = t(withTime, { ...params, time: '\u0000' }).split('\u0000')
    return html`${before}${fmt.time(until, isFar(until) ? 'moment' : 'clock')}${after}`
  }
  switch (word) {
    case 'clearing':
      return { tone: 'busy', icon: 'turning', text: t('state.clearing') }
    case 'syncing':
      return { tone: 'busy', icon: 'turning', text: t('state.syncing') }
    case 'queued':
      return { tone: until === null ? 'busy' : 'still', icon: 'clock', text: timed('state.queued', 'state.queued-until') }
    case 'waiting':
      if (action === 'raise-bound') return { tone: 'wait', icon: 'clock', text: t('state.bound') }
      return { tone: 'wait', icon: 'clock', text: timed('state.waiting', 'state.waiting-until', { server: waitsFor ?? title }) }
    case 'retrying':
      return { tone: 'wait', icon: 'clock', text: timed('state.retrying', 'state.retrying-at') }
    case 'action-required':
      if (action === 'reconnect') return { tone: 'bad', icon: 'warning', text: t('state.reconnect', { network: title }) }
      if (action === 'free-space') return { tone: 'bad', icon: 'disk', text: t('state.full') }
      if (action === 'allow') return withheldBadge(t('state.withheld'))
      return { tone: 'bad', icon: 'warning', text: t('state.action-required') }
    case 'paused':
      return { tone: 'still', icon: 'pause', text: t('state.paused') }
    case 'late':
      return { tone: 'wait', icon: 'clock', text: t('state.late') }
    case 'on-time':
      return { tone: 'good', icon: 'check', text: t('state.on-time') }
    case 'done':
      return { tone: 'good', icon: 'check', text: t('state.done') }
  }
}

function withheldBadge(text: string): Badge {
  return { tone: 'still', icon: 'lock', text }
}

/** Not today or in the night to come: the time of day alone would say nothing. */
function isFar(instant: string): boolean {
  return Date.parse(instant) - Date.now() > 20 * 3600_000
}

function typeRow(
  type: TypeStatus,
  declined: readonly string[],
  network: KnownNetwork | null,
  title: string,
  t: Translate,
  fmt: Format,
): TypeRow {
  const { contentType, stored, available, oldest, newest } = type
  const carriers = (network?.streams ?? []).filter(({ contentTypes }) => contentTypes.includes(contentType))
  const row = { contentType, stored, available, oldest, newest, there: thereOf(type), pace: paceOf(type, t, fmt) }
  if (type.action === 'allow') {
    const withheld = canBeAsked(carriers, declined, network?.asks ?? null) ? 'declined' : 'unasked'
    const badge = withheldBadge(t(withheld === 'declined' ? 'status.declined' : 'status.unasked'))
    return { ...row, progress: null, badge, withheld, reach: [] }
  }
  const reach = [...new Set(carriers.flatMap(({ reach = [] }) => reach))]
  return { ...row, progress: progressOf(type), badge: badgeOf(type, title, t, fmt), withheld: null, reach }
}

function thereOf({ oldest, newest, oldestAvailable, newestAvailable }: TypeStatus): TypeRow['there'] {
  if (oldestAvailable === null || newestAvailable === null) return null
  const isTold = monthOf(oldest) === monthOf(oldestAvailable) && monthOf(newest) === monthOf(newestAvailable)
  return isTold ? null : { oldest: oldestAvailable, newest: newestAvailable }
}

const monthOf = (instant: string | null): string | undefined => instant?.slice(0, 7)

/** Whether one of them would be pulled if the person allowed what this server asks for. */
function canBeAsked(carriers: Network['streams'], declined: readonly string[], asks: readonly string[] | null): boolean {
  const missing = carriers.map(({ scopes = [] }) => scopes.filter((scope) => declined.includes(scope)))
  return asks === null || missing.some((scopes) => scopes.every((scope) => asks.includes(scope)))
}

function progressOf({ word, action, isComplete, stored, available }: TypeStatus): TypeRow['progress'] {
  const isOpen = !isComplete || word === 'syncing' || word === 'queued' || word === 'waiting' || word === 'retrying'
  if (!isOpen || (word === 'action-required' && action === null) || stored === null) return null
  if (available !== null && available > 0) return { value: Math.min(stored, available), max: available }
  return word === 'syncing' ? 'unknown' : null
}

function paceOf({ itemsPerMinute, secondsLeft }: TypeStatus, t: Translate, fmt: Format): string | null {
  const parts = [
    ...(itemsPerMinute ? [t('status.pace', { count: itemsPerMinute })] : []),
    ...(secondsLeft === null ? [] : [t('status.left', { time: fmt.duration(secondsLeft) })]),
  ]
  return parts.length === 0 ? null : parts.join(' · ')
}
