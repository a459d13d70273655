import { AshevilleError, type ContentType, type Network } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { findAdapter, type Context } from '../context.ts'
import { getStoredConnection, listConnections, setClearing, setConnectionSettings, setConnectionState } from '../queries/connections.ts'
import { raiseFences } from '../queries/leases.ts'
import { addMessage } from '../queries/outbox.ts'
import { makeDue, makeNotDue, resetStreams } from '../queries/streams.ts'
import { lockPerson } from '../queries/users.ts'
import { endWork } from '../streams/end-work.ts'
import { streamsOf, wantedStreams } from '../streams/wanted-streams.ts'

/**
 * From here on nothing of what is cleared is pulled, and whoever is late with some is refused: that is one transaction. The removal is left
 * to the conductor, which says when it is done (`noteCleared`). What is being removed already is not removed twice: it may be pulled anew by then.
 */
export function handleClearConnection(context: Context): Handler<typeof accountsRoutes.clearConnection> {
  return ({ userId, params: { connectionId }, body }) =>
    context.db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      const { connection, isRemoved } = await getStoredConnection(tx, userId, connectionId)
      const found = findAdapter(context, connection.provider)
      if (found?.kind !== 'network') throw new AshevilleError('invalid', `Nothing is copied from ${connection.title}`)
      const types = offered(found.adapter, body.contentTypes).filter((type) => !connection.clearing.includes(type))
      if (types.length > 0) {
        const streams = streamsOf(found.adapter, types).map(({ name }) => name)
        await endWork(tx, userId, { connectionId, streams }, { state: 'cancelled', reason: null, nextDueMs: null })
        await makeNotDue(tx, userId, connectionId, streams)
        await setClearing(tx, userId, connectionId, [...connection.clearing, ...types])
        const left = (connection.settings.contentTypes ?? typesOf(found.adapter)).filter((type) => !types.includes(type))
        if (left.length > 0) await setConnectionSettings(tx, userId, connectionId, { ...connection.settings, contentTypes: left })
        else {
          await resetStreams(tx, userId, connectionId, streams)
          if (!isRemoved)
            await setConnectionState(tx, userId, connectionId, 'paused', 'What was copied of it is cleared. Resume to copy it again')
        }
        const storages = await listConnections(tx, userId, 'storage')
        await addMessage(tx, userId, 'remove-copies', {
          connectionId,
          network: connection.provider,
          accountId: connection.accountId,
          contentTypes: types,
          fences: await raiseFences(tx, userId, connectionId, streams),
          storageIds: storages.map(({ id }) => id),
        })
      }
      return (await getStoredConnection(tx, userId, connectionId)).connection
    })
}

/** The copies are gone: what of them the person wants again by now, or what else the same streams bring, may be pulled. */
export function handleNoteCleared(context: Context): Handler<typeof accountsRoutes.noteCleared> {
  return ({ userId, params: { connectionId }, body: { contentTypes } }) =>
    context.db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      const before = (await getStoredConnection(tx, userId, connectionId)).connection
      const clearing = before.clearing.filter((type) => !contentTypes.includes(type))
      if (clearing.length === before.clearing.length) return before
      await setClearing(tx, userId, connectionId, clearing)
      const connection = { ...before, clearing }
      const found = findAdapter(context, connection.provider)
      if (found?.kind === 'network' && (connection.state === 'active' || connection.state === 'full')) {
        const held = streamsOf(found.adapter, contentTypes)
        const wanted = wantedStreams(found.adapter, connection).filter((stream) => held.includes(stream))
        const names = wanted.map(({ name }) => name)
        await makeDue(tx, userId, connectionId, names)
      }
      return connection
    })
}

const typesOf = ({ streams }: Network): ContentType[] => [...new Set(streams.flatMap(({ contentTypes }) => contentTypes))]

function offered(network: Network, types: readonly ContentType[]): ContentType[] {
  const known = typesOf(network)
  const strange = types.filter((type) => !known.includes(type))
  if (strange.length === 0) return [...new Set(types)]
  const message = `${network.title} has no ${strange.join(', ')}; it has ${known.join(', ')}`
  throw new AshevilleError('invalid', message, { faults: [{ pointer: '/contentTypes', message }] })
}
