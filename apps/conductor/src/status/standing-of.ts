import type { Connection, Standing, StandingWord, StreamStatus } from '@asheville/clients'

/** A stream of one that was due for so long, and has not begun, is late: claims come every other second. */
const lateAfterMs = 5 * 60_000

/** What a person should hear of first, where several streams make one row. */
const urgency: readonly StandingWord[] = [
  'action-required',
  'syncing',
  'waiting',
  'retrying',
  'queued',
  'late',
  'paused',
  'on-time',
  'done',
]

export interface Facts {
  connection: Pick<Connection, 'state' | 'stateReason' | 'settings'>
  /** The network's server, or else its title. */
  name: string
  readsThisMonth: number
  /** The owner of the server has paused the network, for everybody. */
  isPausedHere: boolean
  now: Date
}

/** How fast a stream comes in, and how long it takes until its history is copied. */
export interface Pace {
  itemsPerMinute: number | null
  secondsLeft: number | null
}

type Word = Pick<Standing, 'word' | 'waitsFor' | 'until' | 'reason' | 'action'>

const plain = { waitsFor: null, until: null, reason: null, action: null }

/**
 * Where the copying of a connection, or of the part of it that these streams pull, stands. Without any stream nothing is planned.
 *
 * @param paceOf of a stream that is being pulled.
 */
export function standingOf(facts: Facts, streams: readonly StreamStatus[], paceOf: (stream: StreamStatus) => Pace): Standing {
  const { state } = facts.connection
  const words = streams.map((stream) => withPause(wordOf(stream, facts), facts))
  const [first = { word: 'done' as const, ...plain }] = words.toSorted(
    (one, other) => urgency.indexOf(one.word) - urgency.indexOf(other.word),
  )
  const pulled = facts.isPausedHere ? [] : streams.filter((stream) => stream.state === 'running')
  const unfinished = streams.filter((stream) => !isComplete(stream))
  return {
    ...(wordOfConnection(facts) ?? first),
    isComplete: streams.every(isComplete),
    itemsPerMinute: sum(pulled.map((stream) => paceOf(stream).itemsPerMinute)),
    // Of what is not being pulled nobody knows how long it takes.
    secondsLeft: unfinished.every((stream) => pulled.includes(stream))
      ? longest(unfinished.map((stream) => paceOf(stream).secondsLeft))
      : null,
    lastSyncedAt:
      streams
        .map(({ lastSyncedAt }) => lastSyncedAt)
        .toSorted(inTime)
        .at(-1) ?? null,
    nextRunAt: (state === 'active' || state === 'full') && !facts.isPausedHere ? earliest(streams.map(({ nextDueAt }) => nextDueAt)) : null,
  }
}

/** What holds for all of a connection, whatever its streams do. */
function wordOfConnection({ connection: { state, stateReason: reason } }: Facts): Word | null {
  if (state === 'reconnect') return { ...plain, word: 'action-required', reason, action: 'reconnect' }
  if (state === 'full') return { ...plain, word: 'action-required', reason, action: 'free-space' }
  if (state === 'paused' || state === 'revoked') return { ...plain, word: 'paused', reason }
  return null
}

/** Of what the owner of the server has paused all waits that would go on by itself. */
function withPause(word: Word, { isPausedHere, name }: Facts): Word {
  if (!isPausedHere || word.word === 'action-required' || word.word === 'done') return word
  return { ...plain, word: 'waiting', waitsFor: name, reason: 'The owner of this server has paused it for now' }
}

function wordOf(stream: StreamStatus, facts: Facts): Word {
  const { reason, until, nextDueAt } = stream
  switch (stream.state) {
    case 'running':
      return { ...plain, word: 'syncing' }
    case 'queued':
      return { ...plain, word: 'queued' }
    case 'waiting':
      if (isBoundReached(facts)) return { word: 'waiting', waitsFor: null, until, reason, action: 'raise-bound' }
      return { word: 'waiting', waitsFor: facts.name, until, reason, action: null }
    case 'retrying':
      return { ...plain, word: 'retrying', until, reason }
    case 'failed':
      return { ...plain, word: nextDueAt === null ? 'action-required' : 'retrying', until: nextDueAt, reason }
    case 'cancelled':
    case 'idle':
      return { ...plain, ...wordAtRest(stream, facts.now) }
  }
}

function wordAtRest(stream: StreamStatus, now: Date): Pick<Word, 'word' | 'until'> {
  const { nextDueAt } = stream
  // Not wanted any more, or nothing is ever to come.
  if (nextDueAt === null) return { word: 'done', until: null }
  if (Date.parse(nextDueAt) <= now.getTime() - lateAfterMs) return { word: 'late', until: null }
  return isComplete(stream) ? { word: 'on-time', until: null } : { word: 'queued', until: nextDueAt }
}

function isComplete({ state, lastSyncedAt, backfilling }: StreamStatus): boolean {
  return lastSyncedAt !== null && !backfilling && state !== 'cancelled'
}

function isBoundReached({ connection, readsThisMonth }: Facts): boolean {
  const { readsPerMonth } = connection.settings
  return readsPerMonth !== null && readsThisMonth >= readsPerMonth
}

function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0)
}

/** Null as soon as one is not known, for it might be the longest. */
function longest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 || known.length < values.length ? null : Math.max(...known)
}

const inTime = (one: string | null, other: string | null): number => (one ?? '').localeCompare(other ?? '')

function earliest(instants: readonly (string | null)[]): string | null {
  return instants.filter((instant) => instant !== null).toSorted(inTime)[0] ?? null
}
