import { randomUUID } from 'node:crypto'
import { contentHash, flag, integer, list, nullable, optional, required, struct, text, union } from './arguments.ts'
import { sliceOf } from './content.ts'
import type { Received } from './content.ts'
import { EndpointError } from './errors.ts'
import { commitAs, readCommit } from './file-routes.ts'
import { fileMetadata } from './metadata.ts'
import type { RouteParts } from './routes.ts'
import type { Session } from './sessions.ts'
import type { Tagged } from './types.ts'
import type { Place } from './world.ts'

const scope = 'files.content.write'
const maxEntries = 1000
const cursor = struct({ session_id: required(text()), offset: required(integer(0)) })
const sessionType = nullable(union(['sequential', 'concurrent']))
const finishArg = struct({
  cursor: required(cursor),
  commit: required(readCommit),
  content_hash: nullable(contentHash),
})
type FinishArg = ReturnType<typeof finishArg>
const finishBatchArg = struct({ entries: required(list(finishArg, maxEntries)) })
const held: Tagged = { '.tag': 'too_many_write_operations' }

const startArg = struct({ close: optional(flag, false), session_type: sessionType, content_hash: nullable(contentHash) })
const startBatchArg = struct({ session_type: sessionType, num_sessions: required(integer(1, maxEntries)) })
const appendArg = struct({ cursor: required(cursor), close: optional(flag, false), content_hash: nullable(contentHash) })
const batchEntry = struct({ cursor: required(cursor), length: required(integer(0)), close: optional(flag, false) })
const appendBatchArg = struct({ entries: required(list(batchEntry, maxEntries)), content_hash: nullable(contentHash) })
const pollArg = struct({ async_job_id: required(text()) })

/** Upload sessions, alone and in batches. */
export function addSessionRoutes({ endpoint, sessions, settings }: RouteParts): void {
  endpoint({
    name: 'files/upload_session/start',
    style: 'upload',
    scope,
    read: startArg,
    run: ({ place, arg }, data) => {
      checkData(data, arg.content_hash)
      const isConcurrent = arg.session_type?.['.tag'] === 'concurrent'
      if (isConcurrent && data.size > 0) throw new EndpointError({ '.tag': 'concurrent_session_data_not_allowed' })
      if (isConcurrent && arg.close) throw new EndpointError({ '.tag': 'concurrent_session_close_not_allowed' })
      const session = sessions.start(place.account.id, isConcurrent)
      if (!isConcurrent) sessions.append(place.account.id, { session_id: session.id, offset: 0 }, data, arg.close)
      return { session_id: session.id }
    },
  })
  endpoint({
    name: 'files/upload_session/start_batch',
    style: 'rpc',
    scope,
    read: startBatchArg,
    run: ({ place, arg }) => {
      const isConcurrent = arg.session_type?.['.tag'] === 'concurrent'
      return { session_ids: Array.from({ length: arg.num_sessions }, () => sessions.start(place.account.id, isConcurrent).id) }
    },
  })
  endpoint({
    name: 'files/upload_session/append_v2',
    style: 'upload',
    scope,
    read: appendArg,
    run: ({ place, arg }, data) => {
      checkData(data, arg.content_hash)
      const fault = sessions.append(place.account.id, arg.cursor, data, arg.close)
      if (fault) throw new EndpointError(fault)
    },
  })

  endpoint({
    name: 'files/upload_session/append_batch',
    style: 'upload',
    scope,
    read: appendBatchArg,
    run: ({ place, arg }, data) => {
      checkData(data, arg.content_hash)
      const total = arg.entries.reduce((sum, entry) => sum + entry.length, 0)
      if (total !== data.size) throw new EndpointError({ '.tag': 'length_mismatch' })
      let start = 0
      const entries = arg.entries.map((entry) => {
        const part = { pieces: [...sliceOf(data.pieces, start, start + entry.length)], size: entry.length }
        start += entry.length
        const fault = sessions.append(place.account.id, entry.cursor, part, entry.close)
        return fault ? { '.tag': 'failure', failure: fault } : { '.tag': 'success' }
      })
      return { entries }
    },
  })

  /** The session that is to be finished, or what a `lookup_failed` says. */
  function finishable(place: Place, { session_id, offset }: FinishArg['cursor'], mustBeClosed: boolean): Session | Tagged {
    const session = sessions.find(place.account.id, session_id)
    const failed = (fault: Tagged): Tagged => ({ '.tag': 'lookup_failed', lookup_failed: fault })
    if (!session) return failed({ '.tag': 'not_found' })
    if (session.isCommitted) return failed({ '.tag': settings.committedSession })
    if (session.isConcurrent && !session.isClosed) return { '.tag': 'concurrent_session_not_closed' }
    if (session.isConcurrent && !sessions.isComplete(session)) return { '.tag': 'concurrent_session_missing_data' }
    if (mustBeClosed && !session.isClosed) return failed({ '.tag': 'not_closed' })
    return offset === session.size ? session : failed({ '.tag': 'incorrect_offset', correct_offset: session.size })
  }

  /** Commits what a session holds. */
  function commit(place: Place, session: Session, arg: FinishArg): { metadata: object } | { fault: Tagged } {
    const written = commitAs(place, arg.commit, sessions.content(session))
    if ('fault' in written) return { fault: { '.tag': 'path', path: written.fault } }
    sessions.finished(session)
    return { metadata: fileMetadata(place.tree, written.node) }
  }

  endpoint({
    name: 'files/upload_session/finish',
    style: 'upload',
    scope,
    read: finishArg,
    run: async ({ place, arg }, data) => {
      checkData(data, arg.content_hash)
      const session = finishable(place, arg.cursor, false)
      if ('.tag' in session) throw new EndpointError(session)
      if (session.isConcurrent && data.size > 0) throw new EndpointError({ '.tag': 'concurrent_session_data_not_allowed' })
      if (data.size > 0) {
        const fault = sessions.append(place.account.id, arg.cursor, data, false)
        if (fault) throw new EndpointError({ '.tag': 'lookup_failed', lookup_failed: fault })
      }
      const done = await place.lock.during(settings.commitMs, () => commit(place, session, arg))
      if (!done) throw new EndpointError(held)
      if ('fault' in done.value) throw new EndpointError(done.value.fault)
      return done.value.metadata
    },
  })

  function commitEntry(place: Place, arg: FinishArg): Tagged {
    const failure = (fault: Tagged): Tagged => ({ '.tag': 'failure', failure: fault })
    const session = finishable(place, arg.cursor, true)
    if ('.tag' in session) return failure(session)
    if (place.failEntries > 0) {
      place.failEntries--
      return failure(held)
    }
    const done = commit(place, session, arg)
    return 'fault' in done ? failure(done.fault) : { '.tag': 'success', ...done.metadata }
  }

  /** Commits all entries under one hold of the lock; each of them fails where that cannot be had. */
  async function commitBatch(place: Place, entries: FinishArg[], ms: number): Promise<{ entries: Tagged[] }> {
    const done = await place.lock.during(ms, () => entries.map((entry) => commitEntry(place, entry)))
    return { entries: done?.value ?? entries.map(() => ({ '.tag': 'failure', failure: held })) }
  }

  endpoint({
    name: 'files/upload_session/finish_batch_v2',
    style: 'rpc',
    scope,
    read: finishBatchArg,
    run: ({ place, arg }) => commitBatch(place, arg.entries, settings.commitMs),
  })
  endpoint({
    name: 'files/upload_session/finish_batch',
    style: 'rpc',
    scope,
    read: finishBatchArg,
    run: ({ place, arg }) => {
      const id = `dbjid:${randomUUID()}`
      const job = { isRunning: true, result: null as unknown }
      place.jobs.set(id, job)
      void commitBatch(place, arg.entries, settings.jobMs).then((result) => Object.assign(job, { isRunning: false, result }))
      return { '.tag': 'async_job_id', async_job_id: id }
    },
  })
  endpoint({
    name: 'files/upload_session/finish_batch/check',
    style: 'rpc',
    scope,
    read: pollArg,
    run: ({ place, arg }) => {
      const job = place.jobs.get(arg.async_job_id)
      if (!job) throw new EndpointError({ '.tag': 'invalid_async_job_id' })
      return job.isRunning ? { '.tag': 'in_progress' } : { '.tag': 'complete', ...(job.result as object) }
    },
  })
}

function checkData(data: Received, hash: string | null): void {
  if (data.isTooLong) throw new EndpointError({ '.tag': 'payload_too_large' })
  if (hash !== null && hash !== data.hash) throw new EndpointError({ '.tag': 'content_hash_mismatch' })
}
