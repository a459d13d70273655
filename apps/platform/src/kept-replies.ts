import { createHash, randomUUID } from 'node:crypto'
import { answeredAgain, answeredAsWritten, type Written } from '@asheville/service'
import { onLoss, type Redis } from '@asheville/redis'

/** What people read again and again, as it was answered, for a moment. Without it everything works, with more to do for each reading. */
export interface KeptReplies {
  /**
   * The reply to this question of the person: one that is kept, or what `read` answers now.
   *
   * @param question with everything that decides what is answered
   * @param isAsked `read` is called in any case
   */
  answer<T extends object>(userId: string, question: readonly unknown[], isAsked: boolean, read: () => Promise<T>): Promise<T>
  /** Nothing that was read for the person before now is answered again, by any process. Never throws. */
  drop(userId: string): Promise<void>
}

/** How old a reply may be: a person may edit their files without us. */
const keepMs = 15_000
const slots = 128
const repliesOfOne = 8
const maxReplyBytes = 128 * 1024

/** A person's hash has one name from when something is read for them until something of theirs is written: `KEYS[1]` is emptied of everybody else's. */
const begin = `
local name = redis.call('HGET', KEYS[1], 'name')
if name and string.sub(name, 1, #ARGV[1]) == ARGV[1] then return name end
name = ARGV[1] .. ARGV[2]
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'name', name)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return name`

/** What was read before something was written finds no hash of that name any more. */
const keep = `
if redis.call('HGET', KEYS[1], 'name') == ARGV[1] then redis.call('HSET', KEYS[1], ARGV[2], ARGV[3]) end`

/**
 * Replies in Redis, where all processes of platform find them. Redis also holds the queues and must never evict, so the space is bounded by construction: people share
 * `slots` hashes of `repliesOfOne` replies each, and whoever comes takes the place of who was there. When Redis has failed, whoever noticed keeps away from it for as long
 * as anything is kept: what was written meanwhile could not be said there.
 */
export function createKeptReplies(redis: Redis, now: () => number = Date.now): KeptReplies {
  let trustedFrom = 0
  const distrust = () => void (trustedFrom = now() + keepMs)
  const failed = () => {
    distrust()
    return null
  }
  onLoss(redis, distrust)

  return {
    async answer(userId, question, isAsked, read) {
      if (now() < trustedFrom) return read()
      const key = keyOf(userId)
      const hash = createHash('sha256').update(JSON.stringify(question)).digest()
      const place = `${hash.readUInt32BE(0) % repliesOfOne}`
      const found = await redis.hmgetBuffer(key, 'name', place).catch(failed)
      if (found === null) return read()
      const [known, kept] = found
      const isOwn = known?.toString().startsWith(`${userId} `) ?? false
      if (isOwn && kept?.subarray(0, hash.length).equals(hash) && !isAsked) return unpack(kept.subarray(hash.length))
      const name = isOwn ? known!.toString() : await redis.eval(begin, 1, key, `${userId} `, randomUUID(), keepMs).catch(failed)
      const reply = await read()
      if (typeof name !== 'string') return reply
      return answeredAgain(reply, (written) => {
        const value = Buffer.concat([hash, pack(written, (reply as { next?: string | null }).next ?? null)])
        if (value.length <= maxReplyBytes) redis.eval(keep, 1, key, name, place, value).catch(failed)
      })
    },
    async drop(userId) {
      await redis.unlink(keyOf(userId)).catch(failed)
    },
  }
}

function keyOf(userId: string): string {
  return `platform:replies:${createHash('sha256').update(userId).digest().readUInt32BE(0) % slots}`
}

/** A line of what goes into the head, then the reply. */
function pack({ text, etag }: Written, next: string | null): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify([etag, next])}\n`), typeof text === 'string' ? Buffer.from(text) : text])
}

function unpack<T extends object>(kept: Buffer): T {
  const end = kept.indexOf(10)
  const [etag, next] = JSON.parse(kept.toString('utf8', 0, end)) as [string | null, string | null]
  return answeredAsWritten({ text: kept.subarray(end + 1), etag }, next)
}
