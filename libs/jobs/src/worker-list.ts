import type { Redis } from '@asheville/redis'
import { z } from 'zod'
import { answering } from './answering.ts'
import { drainedKey, workerKey, workersKey } from './names.ts'

const workerInfoSchema = z.strictObject({
  /** Names the process, in leases too. */
  holder: z.string(),
  startedAt: z.iso.datetime(),
  /** How many jobs it has in hand, by network. */
  running: z.record(z.string(), z.number().int().positive()),
  /** It takes no new ones. */
  isDraining: z.boolean(),
})

/** A worker process, as it says of itself. */
export type WorkerInfo = z.infer<typeof workerInfoSchema>

/** `isAsked`: to take no more jobs, whether or not it has heard. */
export type ListedWorker = WorkerInfo & { isAsked: boolean }

/** Who says nothing for so long is gone. */
const silentMs = 20_000

/** Says how a worker process is; answers whether it is asked to take no more jobs. */
export async function announceWorker(redis: Redis, info: WorkerInfo): Promise<boolean> {
  return answering(async () => {
    const [isAsked] = await Promise.all([
      redis.sismember(drainedKey, info.holder),
      redis.set(workerKey(info.holder), JSON.stringify(info), 'PX', silentMs),
      redis.sadd(workersKey, info.holder),
    ])
    return isAsked === 1
  })
}

/** It has stopped, and so has what it was asked: its successor works. One that was killed had not stopped. */
export async function removeWorker(redis: Redis, holder: string): Promise<void> {
  await answering(() => Promise.all([redis.del(workerKey(holder)), redis.srem(workersKey, holder), redis.srem(drainedKey, holder)]))
}

/** Asks a worker process to take no more jobs, or to take some again; it hears of it when it speaks next. */
export async function askToDrain(redis: Redis, holder: string, isAsked: boolean): Promise<void> {
  await answering(() => (isAsked ? redis.sadd(drainedKey, holder) : redis.srem(drainedKey, holder)))
}

/** Those that were heard of lately, by name. */
export async function listWorkers(redis: Redis): Promise<ListedWorker[]> {
  return answering(async () => {
    const [names, drained] = await Promise.all([redis.smembers(workersKey), redis.smembers(drainedKey)])
    const said = await Promise.all(names.map((name) => redis.get(workerKey(name))))
    const gone = names.filter((_, index) => said[index] === null)
    if (gone.length > 0) await redis.srem(workersKey, ...gone)
    return said
      .flatMap((json) => infoOf(json) ?? [])
      .map((info) => ({ ...info, isAsked: drained.includes(info.holder) }))
      .sort((a, b) => a.holder.localeCompare(b.holder))
  })
}

/** null: what another version says. */
function infoOf(json: string | null): WorkerInfo | null {
  const parsed = workerInfoSchema.safeParse(JSON.parse(json ?? 'null'))
  return parsed.success ? parsed.data : null
}
