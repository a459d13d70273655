import type { Budget } from '@asheville/core'
import type { Redis } from '@asheville/redis'
import { answering } from './answering.ts'
import { budgetKey } from './names.ts'

/** A budget of a network, and whose share of it is meant: the server's origin or the connection's id; null for the whole app. */
export interface Share extends Budget {
  of: string | null
}

/** Whose share is used up, and how many milliseconds until a request may be made again. */
export interface Spent {
  per: Budget['per']
  waitMs: number
}

/**
 * What was taken is counted by the tenth of a window, all that the last window may touch counts, by Redis' clock: whatever the moment, no
 * window holds more than was allowed. Either each budget has one left, and loses it, or none does.
 */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local counts = {}
for i, key in ipairs(KEYS) do
  local most, part = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local current = math.floor(now / part)
  local parts, used = {}, 0
  local fields = redis.call('HGETALL', key)
  for j = 1, #fields, 2 do
    local number, count = tonumber(fields[j]), tonumber(fields[j + 1])
    if number < current - 10 then
      redis.call('HDEL', key, fields[j])
    else
      used = used + count
      parts[#parts + 1] = { number, count }
    end
  end
  if used >= most then
    table.sort(parts, function(a, b) return a[1] < b[1] end)
    local free = part
    for _, one in ipairs(parts) do
      used = used - one[2]
      if used < most then
        free = (one[1] + 11) * part - now
        break
      end
    end
    return { i, free }
  end
  counts[i] = current
end
for i, key in ipairs(KEYS) do
  redis.call('HINCRBY', key, counts[i], 1)
  redis.call('PEXPIRE', key, 11 * tonumber(ARGV[2 * i]))
end
return false`

/**
 * Takes one request out of these shares, of all processes together. Null: it may be made; else it may not, and nothing was taken. Throws
 * `unavailable` when Redis does not answer.
 */
export async function takeRequest(redis: Redis, network: string, shares: readonly Share[]): Promise<Spent | null> {
  if (shares.length === 0) return null
  const keys = shares.map((share) => budgetKey(network, share))
  const limits = shares.flatMap(({ requests, windowMs }) => [requests, Math.max(1, Math.ceil(windowMs / 10))])
  const spent = (await answering(() => redis.eval(script, keys.length, ...keys, ...limits))) as [number, number] | null
  return spent && { per: shares[spent[0] - 1]!.per, waitMs: spent[1] }
}

/** Deletes what is counted of these connections. */
export async function forgetShares(
  redis: Redis,
  network: string,
  budgets: readonly Budget[],
  connectionIds: readonly string[],
): Promise<void> {
  const own = budgets.filter(({ per }) => per === 'connection')
  const keys = connectionIds.flatMap((of) => own.map((budget) => budgetKey(network, { ...budget, of })))
  if (keys.length > 0) await answering(() => redis.unlink(...keys))
}
