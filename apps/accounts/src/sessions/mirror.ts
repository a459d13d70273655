import type { User } from '@asheville/clients'
import type { Redis } from '@asheville/redis'
import type { EndedSession } from './mirror-queries.ts'

/**
 * The keys of the mirror:
 * - `accounts:session:<token hash>`, a hash: one session with its person, as below, and the epoch that it was written in; or
 *   `ended`, so that whoever is late cannot put it back. It expires when the session ends.
 * - `accounts:sessions:<user id>`, a set: the token hashes of a person's sessions.
 * - `accounts:sessions-used`, a set: the token hashes of sessions that were used while Postgres was away.
 * - `accounts:sessions-epoch`: the epoch that this Redis holds.
 */
const sessionKey = (tokenHash: Uint8Array) => `accounts:session:${nameOf(tokenHash)}`
const personKey = (userId: string) => `accounts:sessions:${userId}`
const usedKey = 'accounts:sessions-used'
const epochKey = 'accounts:sessions-epoch'

const nameOf = (tokenHash: Uint8Array) => Buffer.from(tokenHash).toString('base64url')
const hashOf = (name: string): Uint8Array => Buffer.from(name, 'base64url')

/** A session with its person; `usedAt`, `idleEndsAt`, `endsAt` in milliseconds. */
export interface MirroredSession {
  tokenHash: Uint8Array
  id: string
  user: User
  userAgent: string
  address: string
  createdAt: string
  usedAt: number
  idleEndsAt: number
  endsAt: number
}

const put = `
if redis.call('HEXISTS', KEYS[1], 'ended') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'session', ARGV[2], 'used', ARGV[3], 'idle', ARGV[4])
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
return 1`

const end = `
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'ended', '1')
redis.call('PEXPIREAT', KEYS[1], ARGV[1])`

const move = `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'used', ARGV[2], 'idle', ARGV[3])
redis.call('PEXPIREAT', KEYS[1], ARGV[4])
return 1`

/** Writes sessions; one that has been ended stays so. */
export async function putMirrored(redis: Redis, epoch: number, sessions: readonly MirroredSession[]): Promise<void> {
  const pipeline = redis.pipeline()
  for (const { tokenHash, usedAt, idleEndsAt, endsAt, ...rest } of sessions) {
    const text = JSON.stringify({ ...rest, endsAt })
    pipeline.eval(put, 1, sessionKey(tokenHash), epoch, text, usedAt, idleEndsAt, Math.min(idleEndsAt, endsAt))
    pipeline.sadd(personKey(rest.user.id), nameOf(tokenHash)).pexpireat(personKey(rest.user.id), endsAt)
  }
  await run(pipeline)
}

/** Writes down that these are no more. */
export async function endMirrored(redis: Redis, ended: readonly EndedSession[]): Promise<void> {
  const pipeline = redis.pipeline()
  for (const { tokenHash, userId, expiresAt } of ended) {
    pipeline.eval(end, 1, sessionKey(tokenHash), Date.parse(expiresAt))
    pipeline.srem(personKey(userId), nameOf(tokenHash)).srem(usedKey, nameOf(tokenHash))
  }
  await run(pipeline)
}

/** What Redis holds of that epoch: the session, that it has ended, or null: nothing to go by. */
export async function readMirrored(redis: Redis, epoch: number, tokenHash: Uint8Array): Promise<MirroredSession | 'ended' | null> {
  const [current, fields] = (await run(redis.pipeline().get(epochKey).hgetall(sessionKey(tokenHash)))) as [string, Fields]
  return current === String(epoch) ? sessionOf(fields, epoch, tokenHash) : null
}

/** A person's sessions, as Redis holds them of that epoch; null: it is of another. */
export async function listMirrored(redis: Redis, epoch: number, userId: string): Promise<MirroredSession[] | null> {
  const [current, names] = (await run(redis.pipeline().get(epochKey).smembers(personKey(userId)))) as [string, string[]]
  if (current !== String(epoch)) return null
  const pipeline = redis.pipeline()
  for (const name of names) pipeline.hgetall(sessionKey(hashOf(name)))
  const found = names.length === 0 ? [] : ((await run(pipeline)) as Fields[])
  return found
    .map((fields, index) => sessionOf(fields, epoch, hashOf(names[index]!)))
    .filter((session) => session !== null && session !== 'ended')
    .sort((a, b) => b.usedAt - a.usedAt)
}

type Fields = Partial<Record<'epoch' | 'session' | 'used' | 'idle' | 'ended', string>>

function sessionOf(fields: Fields, epoch: number, tokenHash: Uint8Array): MirroredSession | 'ended' | null {
  if (fields.ended !== undefined) return 'ended'
  if (fields.epoch !== String(epoch) || fields.session === undefined) return null
  const rest = JSON.parse(fields.session) as Omit<MirroredSession, 'tokenHash' | 'usedAt' | 'idleEndsAt'>
  return { ...rest, tokenHash, usedAt: Number(fields.used), idleEndsAt: Number(fields.idle) }
}

/** Notes in Redis alone that a session was used, to be told to Postgres when that is back. */
export async function moveMirrored(redis: Redis, epoch: number, session: MirroredSession): Promise<void> {
  const { tokenHash, usedAt, idleEndsAt, endsAt } = session
  const pipeline = redis.pipeline().sadd(usedKey, nameOf(tokenHash))
  await run(pipeline.eval(move, 1, sessionKey(tokenHash), epoch, usedAt, idleEndsAt, Math.min(idleEndsAt, endsAt)))
}

/** What was noted so, some of it at a time. */
export async function listMoved(redis: Redis, limit: number): Promise<{ tokenHash: Uint8Array; usedAt: Date; idleEndsAt: Date }[]> {
  const names = await redis.srandmember(usedKey, limit)
  if (names.length === 0) return []
  const pipeline = redis.pipeline()
  for (const name of names) pipeline.hmget(sessionKey(hashOf(name)), 'used', 'idle')
  const moved = (await run(pipeline)) as [string | null, string | null][]
  return names.map((name, index) => {
    const [used, idle] = moved[index]!
    return { tokenHash: hashOf(name), usedAt: new Date(Number(used)), idleEndsAt: new Date(Number(idle)) }
  })
}

export async function forgetMoved(redis: Redis, tokenHashes: readonly Uint8Array[]): Promise<void> {
  await redis.srem(usedKey, ...tokenHashes.map(nameOf))
}

/** The epoch that this Redis says it holds. */
export async function readMirrorEpoch(redis: Redis): Promise<number | null> {
  const epoch = await redis.get(epochKey)
  return epoch === null ? null : Number(epoch)
}

export async function writeMirrorEpoch(redis: Redis, epoch: number): Promise<void> {
  await redis.set(epochKey, epoch)
}

/** Another one whenever Redis was started. */
export async function readRun(redis: Redis): Promise<string> {
  const [, id] = /^run_id:(\w+)/m.exec(await redis.info('server')) ?? []
  if (id === undefined) throw new Error('Redis does not say its run_id')
  return id
}

async function run(pipeline: ReturnType<Redis['pipeline']>): Promise<unknown[]> {
  const results = (await pipeline.exec()) ?? []
  return results.map(([error, value]) => {
    if (error) throw error
    return value
  })
}
