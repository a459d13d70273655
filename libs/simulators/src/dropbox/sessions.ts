import { randomBytes } from 'node:crypto'
import { contentOf, sliceOf } from './content.ts'
import type { Content } from './content.ts'
import type { Tagged } from './types.ts'

type Piece = { offset: number; content: Pick<Content, 'pieces' | 'size'> }
export type Session = {
  id: string
  account: string
  isConcurrent: boolean
  isClosed: boolean
  isCommitted: boolean
  pieces: Piece[]
  size: number
  startedAt: number
  /** What a closed session holds, hashed once. */
  content: Content | null
}
type Data = Pick<Content, 'pieces' | 'size'>

const unit = 4 * 1024 * 1024
const maxBytes = 2 ** 41 - 2 ** 22
const lifeMs = 7 * 24 * 3600_000
const tag = (name: string, more: Record<string, unknown> = {}): Tagged => ({ '.tag': name, ...more })

/** The upload sessions of all accounts. Faults are an `UploadSessionAppendError` or `UploadSessionLookupError`: their tags are the same. */
export function createSessions(now: () => number) {
  const sessions = new Map<string, Session>()

  function start(account: string, isConcurrent: boolean): Session {
    const id = `pid_upload_session:${randomBytes(32).toString('base64url')}`
    const session: Session = {
      id,
      account,
      isConcurrent,
      isClosed: false,
      isCommitted: false,
      pieces: [],
      size: 0,
      startedAt: now(),
      content: null,
    }
    sessions.set(id, session)
    return session
  }

  function find(account: string, id: string): Session | null {
    const session = sessions.get(id)
    return session && session.account === account && now() - session.startedAt < lifeMs ? session : null
  }

  /** Adds data at an offset; null when that went well. */
  function append(account: string, cursor: { session_id: string; offset: number }, data: Data, close: boolean): Tagged | null {
    const session = find(account, cursor.session_id)
    if (!session) return tag('not_found')
    if (session.isClosed) return tag('closed')
    if (session.isConcurrent && cursor.offset % unit !== 0) return tag('concurrent_session_invalid_offset')
    if (session.isConcurrent && !close && data.size % unit !== 0) return tag('concurrent_session_invalid_data_size')
    if (!session.isConcurrent && cursor.offset !== session.size) return tag('incorrect_offset', { correct_offset: session.size })
    if (cursor.offset + data.size > maxBytes) return tag('too_large')
    put(session, cursor.offset, data)
    if (close) session.isClosed = true
    return null
  }

  function put(session: Session, offset: number, data: Data) {
    // A repeated piece of a concurrent session takes the place of the first.
    session.pieces = session.pieces.filter((piece) => !session.isConcurrent || piece.offset !== offset)
    if (data.size > 0) session.pieces.push({ offset, content: data })
    session.size = Math.max(session.size, offset + data.size)
  }

  /** Whether what was added covers everything up to the end. */
  function isComplete(session: Session): boolean {
    const sorted = session.pieces.toSorted((a, b) => a.offset - b.offset)
    let reached = 0
    for (const { offset, content } of sorted) {
      if (offset > reached) return false
      reached = Math.max(reached, offset + content.size)
    }
    return reached === session.size
  }

  function contentOfSession(session: Session): Content {
    if (session.content) return session.content
    const pieces: Buffer[] = []
    let reached = 0
    for (const piece of session.pieces.toSorted((a, b) => a.offset - b.offset)) {
      pieces.push(...sliceOf(piece.content.pieces, reached - piece.offset, piece.content.size))
      reached = Math.max(reached, piece.offset + piece.content.size)
    }
    const content = contentOf(pieces)
    if (session.isClosed) session.content = content
    return content
  }

  return {
    start,
    find,
    append,
    isComplete,
    content: contentOfSession,
    /** Keeps the data of an upload whose commit failed, for `finish`. */
    keep(account: string, content: Content): Session {
      const session = start(account, false)
      put(session, 0, content)
      return session
    },
    /** After this the session is of no more use, and its data is let go. */
    finished(session: Session) {
      Object.assign(session, { isClosed: true, isCommitted: true, pieces: [], content: null })
    },
    count: (account: string) => [...sessions.values()].filter((session) => session.account === account && !session.isCommitted).length,
    forget(account: string) {
      for (const [id, session] of sessions) if (session.account === account) sessions.delete(id)
    },
  }
}
export type Sessions = ReturnType<typeof createSessions>
