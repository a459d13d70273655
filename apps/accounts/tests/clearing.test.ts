import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Connection } from '@asheville/clients'
import type { ContentType } from '@asheville/core'
import { startOAuthServer, type OAuthServer } from './oauth-server.ts'
import { perServerNetwork, diary } from './scripted-networks.ts'
import { errorOf, kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'
import { calm, setUp } from './sync-kit.ts'

let accounts: RunningAccounts
let server: OAuthServer
beforeAll(async () => {
  server = await startOAuthServer()
  accounts = await startAccounts({ networks: [perServerNetwork('meadow'), diary] })
})
afterAll(async () => {
  await accounts.close()
  await server.close()
})

const at = ({ userId, id }: Connection) => ({ userId, params: { connectionId: id } })
const clear = (connection: Connection, contentTypes: ContentType[]) =>
  accounts.conductor.clearConnection({ ...at(connection), body: { contentTypes } })
const noteCleared = (connection: Connection, contentTypes: ContentType[]) =>
  accounts.conductor.noteCleared({ ...at(connection), body: { contentTypes } })
const dueOf = async ({ userId, id }: Connection) => {
  const { streams } = await accounts.conductor.listStreams({ userId })
  return streams.flatMap(({ connectionId, stream, nextDueAt }) => (connectionId === id && nextDueAt !== null ? [stream] : [])).sort()
}
const removals = ({ id }: Connection) =>
  accounts.db.query<{ payload: { contentTypes: string[]; storageIds: string[]; fences: { stream: string; fence: number }[] } }>(
    `SELECT payload FROM outbox WHERE kind = 'remove-copies' AND payload->>'connectionId' = $1 ORDER BY created_at`,
    [id],
  )

/** Streams: `posts` with posts and photos, and `likes`. */
async function meadow({ user, session }: Person): Promise<Connection> {
  const body = { provider: 'meadow', fields: { server: server.url }, sessionId: session.id, reconnects: null }
  const reply = await accounts.web.beginConnect({ userId: user.id, body })
  if (reply.next !== 'authorize') throw new Error('connected at once')
  const callback = server.authorize(reply.url, 'alice')
  const finished = await accounts.web.finishConnect({ userId: user.id, body: { provider: 'meadow', sessionId: session.id, callback } })
  return finished.connection
}

describe('clearing', () => {
  test('takes the content type off the settings; its streams rest until it is gone, and then bring the others again', async () => {
    const connection = await meadow(await accounts.signUp())
    const cleared = await clear(connection, ['photos'])
    expect(cleared).toMatchObject({ state: 'active', clearing: ['photos'], settings: { contentTypes: ['posts', 'likes'] } })
    expect(await dueOf(connection)).toEqual(['likes'])
    const [{ payload } = { payload: null }] = await removals(connection)
    expect(payload).toMatchObject({ contentTypes: ['photos'], storageIds: [connection.storageId], fences: [{ stream: 'posts', fence: 1 }] })

    // Wanted again meanwhile: not before it is gone. Asked for twice, it is removed once.
    await accounts.web.updateConnection({ ...at(connection), body: { settings: { contentTypes: null } } })
    await clear(connection, ['photos'])
    expect(await dueOf(connection)).toEqual(['likes'])
    expect(await removals(connection)).toHaveLength(1)
    await noteCleared(connection, ['photos'])
    expect(await dueOf(connection)).toEqual(['likes', 'posts'])
    await noteCleared(connection, ['photos'])
    expect(await accounts.web.getConnection(at(connection))).toMatchObject({ clearing: [], settings: { contentTypes: null } })
  })

  test('of everything pauses the connection; resumed, it begins from the start', async () => {
    const { sync, lease, plan, checkpoint, take, userId, first } = await setUp(accounts)
    const { id } = (await sync()).sync
    const { fence } = await lease(id)
    await plan(fence, [{ id: 'all', kind: 'backfill' }])
    await checkpoint(fence, 'all', '1', 'head')
    expect(await clear(first, ['articles'])).toMatchObject({ state: 'paused', clearing: ['articles'], settings: { contentTypes: null } })
    expect(await kindThrown(checkpoint(fence, 'all', '2'))).toBe('conflict')
    expect(await take(id)).toEqual({ lease: null })
    expect(await accounts.conductor.getSync({ userId, params: { syncId: id } })).toMatchObject({ state: 'cancelled' })
    const [raised] = (await removals(first))[0]!.payload.fences
    expect(raised!.fence).toBeGreaterThan(fence)

    await calm(accounts)
    await accounts.web.updateConnection({ ...at(first), body: { paused: false } })
    expect(await dueOf(first)).toEqual([])
    await noteCleared(first, ['articles'])
    expect(await dueOf(first)).toEqual(['entries'])
    const again = await lease((await sync()).sync.id)
    expect(again).toMatchObject({ fence: raised!.fence + 1, needsPlan: true, head: null, walks: [] })
  })

  test('works for what was disconnected, and not for what was never copied, or is another’s', async () => {
    const [alice, bob] = await Promise.all([accounts.signUp(), accounts.signUp()])
    const connection = await accounts.connectDiary(alice)
    expect(await errorOf(clear(connection, ['likes']))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/contentTypes' }] })
    expect(await kindThrown(clear({ ...connection, userId: bob.user.id }, ['articles']))).toBe('not-found')
    await accounts.web.removeConnection(at(connection))
    expect(await clear(connection, ['articles'])).toMatchObject({ state: 'revoked', clearing: ['articles'] })
    await noteCleared(connection, ['articles'])
    expect(await dueOf(connection)).toEqual([])
    const { connections } = await accounts.web.listConnections({ userId: alice.user.id, query: { kind: 'storage' } })
    expect(await kindThrown(clear(connections[0]!, ['posts']))).toBe('invalid')
  })
})
