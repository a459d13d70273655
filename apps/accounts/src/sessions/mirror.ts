import type { User } from '@asheville/clients'
import { nodesOf, type Redis } from '@asheville/redis'
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
  await Promise.all(
    sessions.flatMap(({ tokenHash, usedAt, idleEndsAt, endsAt, ...rest }) => {
      const text = JSON.stringify({ ...rest, endsAt })
      return [
        redis.eval(put, 1, sessionKey(tokenHash), epoch, text, usedAt, idleEndsAt, Math.min(idleEndsAt, endsAt)),
        redis.sadd(personKey(rest.user.id), nameOf(tokenHash)),
        redis.pexpireat(personKey(rest.user.id), endsAt),
      ]
    }),
  )
}

/** Writes down that these are no more. */
export async function endMirrored(redis: Redis, ended: readonly EndedSession[]): Promise<void> {
  await Promise.all(
    ended.flatMap(({ tokenHash, userId, expiresAt }) => [
      redis.eval(end, 1, sessionKey(tokenHash), Date.parse(expiresAt)),
      redis.srem(personKey(userId), nameOf(tokenHash)),
      redis.srem(usedKey, nameOf(tokenHash)),
    ]),
  )
}

/** What Redis holds of that epoch: the session, that it has ended, or null: nothing to go by. */
export async function readMirrored(redis: Redis, epoch: number, tokenHash: Uint8Array): Promise<MirroredSession | 'ended' | null> {
  const [current, fields] = await Promise.all([redis.get(epochKey), redis.hgetall(sessionKey(tokenHash))])
  return current === String(epoch) ? sessionOf(fields, epoch, tokenHash) : null
}

/** A person's sessions, as Redis holds them of that epoch; null: it is of another. */
export async function listMirrored(redis: Redis, epoch: number, userId: string): Promise<MirroredSession[] | null> {
  const [current, names] = await Promise.all([redis.get(epochKey), redis.smembers(personKey(userId))])
  if (current !== String(epoch)) return null
  const found: Fields[] = await Promise.all(names.map((name) => redis.hgetall(sessionKey(hashOf(name)))))
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
  await Promise.all([
    redis.sadd(usedKey, nameOf(tokenHash)),
    redis.eval(move, 1, sessionKey(tokenHash), epoch, usedAt, idleEndsAt, Math.min(idleEndsAt, endsAt)),
  ])
}

/** What was noted so, some of it at a time. */
export async function listMoved(redis: Redis, limit: number): Promise<{ tokenHash: Uint8Array; usedAt: Date; idleEndsAt: Date }[]> {
  const names = await redis.srandmember(usedKey, limit)
  if (names.length === 0) return []
  const moved = await Promise.all(names.map((name) => redis.hmget(sessionKey(hashOf(name)), 'used', 'idle')))
  return names.map((name, index) => {
    const [used = null, idle = null] = moved[index] ?? []
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

/** Another one whenever Redis, or a node of the cluster, was started. */
export async function readRun(redis: Redis): Promise<string> {
  const infos = await Promise.all(nodesOf(redis).map((node) => node.info('server')))
  const ids = infos.map((info) => /^run_id:(\w+)/m.exec(info)?.[1])
  if (ids.length === 0 || ids.includes(undefined)) throw new Error('Redis does not say its run_id')
  return ids.sort().join(' ')
}
