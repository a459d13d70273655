import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { connectRedis, isReadyWithin } from '@asheville/redis'
import { personTables } from '../src/queries/forgotten.ts'
import { post, startConstellation, streamOf, type Constellation } from './constellation.ts'

let constellation: Constellation
beforeAll(async () => {
  constellation = await startConstellation()
})
afterAll(() => constellation.close())

const forget = (userId: string, removes: string[] = []) => constellation.clientOf('conductor').forgetPerson({ userId, body: { removes } })

async function rowsOf(userId: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const name of personTables) {
    const rows = await constellation.db.query(`SELECT FROM ${name} WHERE user_id = $1`, [userId])
    if (rows.length > 0) found[name] = rows.length
  }
  return found
}

test('every table with rows of people is known', async () => {
  const rows = await constellation.db.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns WHERE table_schema = 'platform' AND column_name = 'user_id'`,
  )
  expect([...personTables].sort()).toEqual(rows.map(({ name }) => name).sort())
})

test('a person is forgotten: the index and the cache, not their files, not others; and nothing is stored for them any more', async () => {
  const [ann, bob] = [constellation.person(), constellation.person()]
  const streams = [streamOf(constellation, ann), streamOf(constellation, bob)] as const
  for (const stream of streams) await stream.put([post(1), post(2)])
  await constellation.client.finishSync({ userId: ann.userId, body: { storageId: ann.storageId } })
  // What was read lately is in the cache.
  for (const { userId } of [ann, bob]) await constellation.client.listItems({ userId, query: {} })
  const files = await readdir(ann.folder, { recursive: true })
  const cache = connectRedis(constellation.redisUrl)
  await isReadyWithin(cache, 10_000)
  try {
    expect((await cache.keys('platform:page:*')).length).toBeGreaterThan(0)
    const { forgotten } = await forget(ann.userId)
    expect(forgotten).toMatchObject({ items: 2, pages: 1 })
    expect(await rowsOf(ann.userId)).toEqual({})
    await forget(bob.userId)
    expect(await cache.keys('platform:page:*')).toEqual([])
  } finally {
    cache.disconnect()
  }
  expect(await readdir(ann.folder, { recursive: true })).toEqual(files)

  await expect(streams[0].put([post(3)])).rejects.toMatchObject({ kind: 'conflict' })
  const call = { userId: ann.userId, body: { storageId: ann.storageId } }
  await expect(constellation.client.finishSync(call)).rejects.toMatchObject({ kind: 'not-found' })
  expect(await rowsOf(ann.userId)).toEqual({})
  // The answer may have been lost: the same comes again.
  expect((await forget(ann.userId)).forgotten).toMatchObject({ items: 2, pages: 1 })
  expect(await readdir(ann.folder, { recursive: true })).toEqual(files)
})

test('one who is forgotten does not concern another', async () => {
  const [ann, bob] = [constellation.person(), constellation.person()]
  const stream = streamOf(constellation, bob)
  await stream.put([post(1)])
  await forget(ann.userId)
  await stream.put([post(2)])
  expect(await rowsOf(bob.userId)).toMatchObject({ items: 2 })
})

test('the files on this server go where that was asked for', async () => {
  const ann = constellation.person()
  await streamOf(constellation, ann).put([post(1)])
  await forget(ann.userId, [ann.storageId])
  await expect(readdir(ann.folder)).rejects.toThrow('ENOENT')
  // Killed in the middle, it is asked for again.
  await forget(ann.userId, [ann.storageId])
  await expect(forget(ann.userId, [randomUUID()])).rejects.toMatchObject({ kind: 'not-found' })
})
