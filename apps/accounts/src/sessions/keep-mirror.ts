import { setTimeout as delay } from 'node:timers/promises'
import { kindOf } from '@asheville/core'
import { asService, type Database } from '@asheville/database'
import { onLoss, type Redis } from '@asheville/redis'
import type { Logger } from '@asheville/service'
import { listEnded, noteMirrored, readEpoch, removeEnded, writeEpoch, writeUses } from './mirror-queries.ts'
import {
  endMirrored,
  forgetMoved,
  listMirrored,
  listMoved,
  type MirroredSession,
  moveMirrored,
  putMirrored,
  readMirrored,
  readMirrorEpoch,
  readRun,
  writeMirrorEpoch,
} from './mirror.ts'
import { listUnmirrored } from './queries.ts'

/** The sessions in Redis, kept after Postgres: docs/decisions/0005-sessions.md. */
export interface SessionMirror {
  /** Whether Postgres did not answer when it was last asked: then ask here first. */
  isPostgresAway(): boolean
  /** `unknown`: Redis does not answer, does not have it, or may have missed that sessions were ended. Never throws. */
  find(tokenHash: Uint8Array): Promise<MirroredSession | 'ended' | 'unknown'>
  /** As `find`, all of a person. */
  list(userId: string): Promise<MirroredSession[] | 'unknown'>
  /** What Postgres has just said of a session. Never throws. */
  put(session: MirroredSession): Promise<void>
  /** Notes a use that Postgres cannot be told of now. Never throws. */
  move(session: MirroredSession): Promise<void>
  /** Brings Redis up to date with what Postgres holds at this moment, as far as both answer in time. Never throws. */
  catchUp(): Promise<void>
  stop(): Promise<void>
}

/** Half of it at most passes before a process that cannot tell Redis what was ended is made up for by another. */
const everyMs = 250
const batch = 200
/** What is told to Redis by those who wait for it is told soon anyway. */
const waitMs = 600

/**
 * Keeps the mirror of sessions: tells Redis what was ended, puts into it what it lacks, tells Postgres what was used in its
 * absence. `db` is a pool of its own, with short deadlines.
 */
export function keepMirror(db: Database, redis: Redis, log: Logger): SessionMirror {
  const stopping = new AbortController()
  /** Grows when the connection to Redis is lost: what answers afterwards may be another Redis. */
  let losses = 0
  let run: string | null = null
  /** The epoch in which this Redis has been told of everything that was ended, as far as this process knows; null: it may not have. */
  let trusted: number | null = null
  let isPostgresAway = false

  const distrust = () => {
    trusted = null
  }
  onLoss(redis, () => {
    losses += 1
    run = null
    distrust()
  })

  /** An answer of Redis, if the connection has been the same all the while. */
  async function ask<T>(command: () => Promise<T>): Promise<T> {
    const before = losses
    try {
      const answer = await command()
      if (before === losses) return answer
      throw new Error('The connection to Redis was lost meanwhile')
    } catch (error) {
      // A refusal is an answer.
      if ((error as { name?: unknown }).name !== 'ReplyError') distrust()
      throw error
    }
  }

  /** The epoch of this Redis; a new one when it was started again, restored or wiped since the last. */
  async function agreeOnEpoch(): Promise<number> {
    const known = await readEpoch(db)
    isPostgresAway = false
    const current = (run ??= await ask(() => readRun(redis)))
    if (known.run === current && (await ask(() => readMirrorEpoch(redis))) === known.epoch) return known.epoch
    return db.transaction(async (tx) => {
      const locked = await readEpoch(tx, { lock: true })
      if (locked.run === current && (await ask(() => readMirrorEpoch(redis))) === locked.epoch) return locked.epoch
      const next = locked.epoch + 1
      await writeEpoch(tx, { epoch: next, run: current })
      await ask(() => writeMirrorEpoch(redis, next))
      log.info({ epoch: next }, 'sessions are mirrored anew in Redis')
      return next
    })
  }

  async function tellEnded(): Promise<void> {
    for (;;) {
      const ended = await listEnded(db, batch)
      if (ended.length === 0) return
      await ask(() => endMirrored(redis, ended)).catch((error: unknown) => {
        distrust()
        throw error
      })
      await removeEnded(
        db,
        ended.map(({ tokenHash }) => tokenHash),
      )
    }
  }

  async function tellUses(): Promise<void> {
    const moved = await ask(() => listMoved(redis, batch))
    if (moved.length === 0) return
    await writeUses(
      db,
      moved.filter(({ usedAt }) => usedAt.getTime() > 0),
    )
    const told = moved.map(({ tokenHash }) => tokenHash)
    await ask(() => forgetMoved(redis, told))
  }

  /** Whether there may be more. */
  async function putMissing(epoch: number): Promise<boolean> {
    const missing = await listUnmirrored(db, epoch, batch)
    if (missing.length === 0) return false
    await ask(() => putMirrored(redis, epoch, missing))
    const put = missing.map(({ tokenHash }) => tokenHash)
    await noteMirrored(db, epoch, put)
    return missing.length === batch
  }

  /** Whether another round is to follow at once. */
  async function round(): Promise<boolean> {
    const before = losses
    try {
      const epoch = await agreeOnEpoch()
      await tellEnded()
      if (before === losses) trusted = epoch
      await tellUses()
      return await putMissing(epoch)
    } catch (error) {
      // Only Postgres' failures come as ours. In its absence nothing is ended either.
      if (kindOf(error) === 'unavailable') isPostgresAway = true
      log.debug({ error }, 'sessions could not be mirrored')
      return false
    }
  }

  let current: Promise<boolean> = Promise.resolve(false)
  let next: Promise<boolean> | null = null

  /** A round that begins after this call; those who call while one runs share the one after it. */
  function soon(): Promise<boolean> {
    next ??= current.then(() => {
      next = null
      return (current = round())
    })
    return next
  }

  async function keep(): Promise<void> {
    while (!stopping.signal.aborted) if (!(await soon())) await pause()
  }

  /** While Postgres is away nobody else would notice that Redis was away as well. */
  async function listen(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (trusted !== null) await ask(() => redis.ping()).catch(() => undefined)
      await pause()
    }
  }

  const pause = () => delay(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined)

  async function withTrusted<T>(command: (epoch: number) => Promise<T | null>): Promise<T | 'unknown'> {
    const epoch = trusted
    if (epoch === null) return 'unknown'
    const found = await ask(() => command(epoch)).catch(() => null)
    return found ?? 'unknown'
  }

  const running = Promise.all([keep(), listen()])
  return {
    isPostgresAway: () => isPostgresAway,
    find: (tokenHash) => withTrusted((epoch) => readMirrored(redis, epoch, tokenHash)),
    list: (userId) => withTrusted((epoch) => listMirrored(redis, epoch, userId)),
    async put(session) {
      await withTrusted((epoch) => putMirrored(redis, epoch, [session]).then(() => null))
    },
    async move(session) {
      await withTrusted((epoch) => moveMirrored(redis, epoch, session).then(() => null))
    },
    async catchUp() {
      await Promise.race([asService(soon), delay(waitMs, undefined, { ref: false })])
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}
