import { isDeepStrictEqual } from 'node:util'
import { AshevilleError, isPaid, type Network } from '@asheville/core'
import type { accountsRoutes, Connection, ConnectionSettings } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import { findAdapter, type Context } from '../context.ts'
import { getConnection, setConnectionSettings, setConnectionState } from '../queries/connections.ts'
import { settleNotifications } from '../notifications/queries.ts'
import { listPaces, setDue } from '../queries/paces.ts'
import { forgetFailures, makeDue, makeHeldDue, makeNotDue, resetStreams } from '../queries/streams.ts'
import { lockPerson } from '../queries/users.ts'
import { boundsOf } from '../streams/bounds-of.ts'
import { endWork } from '../streams/end-work.ts'
import { nextDueMs } from '../streams/next-due.ts'
import { wantedStreams, widenedStreams } from '../streams/wanted-streams.ts'

const held = { state: 'cancelled', reason: null, nextDueMs: null } as const

export function handleUpdateConnection(context: Context): Handler<typeof accountsRoutes.updateConnection> {
  return ({ userId, params, body, checkMatch }) =>
    context.db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      const { connection } = await getConnection(tx, userId, params.connectionId)
      checkMatch(connection)
      const found = findAdapter(context, connection.provider)
      if (found?.kind !== 'network') throw new AshevilleError('invalid', `${connection.title} has no such settings`)
      const settings = { ...connection.settings, ...body.settings }
      checkRange(settings)
      checkBound(settings, found.adapter)
      checkInterval(settings, context.syncIntervalMs)
      if (!isDeepStrictEqual(settings, connection.settings)) {
        await changeSettings(tx, userId, connection, settings, found.adapter)
        if (settings.syncEveryMinutes !== connection.settings.syncEveryMinutes)
          await changeInterval(context, tx, userId, connection.id, settings)
      }
      const wanted = wantedStreams(found.adapter, { ...connection, settings }).map(({ name }) => name)
      if (body.paused !== undefined) await setPaused(tx, userId, connection, body.paused, wanted)
      return (await getConnection(tx, userId, connection.id)).connection
    })
}

function checkRange({ range: { from, to } }: ConnectionSettings): void {
  if (from === null || to === null || from < to) return
  const message = 'The first date must be before the last'
  throw new AshevilleError('invalid', message, { faults: [{ pointer: '/settings/range', message }] })
}

function checkBound({ readsPerMonth }: ConnectionSettings, network: Network): void {
  if (readsPerMonth === null || isPaid(network)) return
  const message = `${network.title} charges for nothing that is read`
  throw new AshevilleError('invalid', message, { faults: [{ pointer: '/settings/readsPerMonth', message }] })
}

function checkInterval({ syncEveryMinutes }: ConnectionSettings, shortestMs: number): void {
  if (syncEveryMinutes === null || syncEveryMinutes * 60_000 >= shortestMs) return
  const message = `This server syncs every ${Math.ceil(shortestMs / 60_000)} minutes at most`
  throw new AshevilleError('invalid', message, { faults: [{ pointer: '/settings/syncEveryMinutes', message }] })
}

/** The streams go on at their new pace as if it had been theirs since their last sync. */
async function changeInterval(
  context: Pick<Context, 'syncIntervalMs'>,
  tx: Database,
  userId: string,
  connectionId: string,
  settings: ConnectionSettings,
): Promise<void> {
  const paces = await listPaces(tx, userId, connectionId)
  const bounds = boundsOf(context, settings)
  const due = paces.map(({ stream, sinceSyncMs, ...pace }) => ({ stream, inMs: Math.max(0, nextDueMs(pace, bounds) - sinceSyncMs) }))
  await setDue(tx, userId, connectionId, due)
}

/** What is no longer wanted stops; what is wanted now, or of other dates, is pulled from the start. */
async function changeSettings(
  tx: Database,
  userId: string,
  connection: Connection,
  settings: ConnectionSettings,
  network: Network,
): Promise<void> {
  const { id, settings: before, state } = connection
  await setConnectionSettings(tx, userId, id, settings)
  const wanted = wantedStreams(network, { ...connection, settings }).map(({ name }) => name)
  const unwanted = network.streams.map(({ name }) => name).filter((name) => !wanted.includes(name))
  await endWork(tx, userId, { connectionId: id, streams: unwanted }, held)
  await makeNotDue(tx, userId, id, unwanted)
  const hasOtherRange = !isDeepStrictEqual(settings.range, before.range)
  const changed = hasOtherRange ? wanted : widenedStreams(network, before.contentTypes, settings.contentTypes).map(({ name }) => name)
  await resetStreams(tx, userId, id, changed)
  if (state !== 'active' && state !== 'full') return
  const due = changed.filter((name) => wanted.includes(name))
  await makeDue(tx, userId, id, due)
  if (settings.readsPerMonth !== before.readsPerMonth) await makeHeldDue(tx, userId, id)
}

async function setPaused(tx: Database, userId: string, { id, state }: Connection, isPaused: boolean, wanted: string[]): Promise<void> {
  if (isPaused && state !== 'paused') {
    await setConnectionState(tx, userId, id, 'paused', null)
    await endWork(tx, userId, { connectionId: id }, held)
    await makeNotDue(tx, userId, id, null)
  }
  // One that is to be reconnected is not helped by going on.
  if (!isPaused && (state === 'paused' || state === 'full')) {
    await setConnectionState(tx, userId, id, 'active', null)
    await forgetFailures(tx, userId, id)
    await settleNotifications(tx, userId, ['sync-paused'], id)
    await makeDue(tx, userId, id, wanted)
  }
}
