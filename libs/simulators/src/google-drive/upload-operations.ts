import type { Answer, Call } from '../kit/index.ts'
import { bodyOf, jsonOf, selected, type Asked } from './asked.ts'
import { folderType, type Wanted } from './drive.ts'
import { Refusal, badRequest, notFound, quotaExceeded } from './errors.ts'
import { metadataOf, ours, usualFields, type FileOperations } from './file-operations.ts'
import type { DriveFile } from './types.ts'

/** Of all parts but the last: https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable */
const unit = 256 * 1024
/** "If the data you send is small enough": the guide says 5 MB. */
const multipartBytes = 5 * 1024 * 1024 + 64 * 1024
const sessionLifeMs = 7 * 24 * 60 * 60_000

type Target = { wanted: Wanted } | { file: DriveFile }
type Session = { target: Target; asked: Asked; bytes: number | null; held: Buffer; startedAt: number; done: DriveFile | null }

/** https://developers.google.com/workspace/drive/api/guides/manage-uploads */
export function createUploadOperations(shown: FileOperations['shown'], token: () => string, now: () => number) {
  const sessions = new Map<string, Session>()

  function targetOf({ call, drive }: Asked, metadata: Record<string, unknown>): Target {
    if (call.params.id !== undefined) return { file: ours(drive, call.params.id) }
    const wanted = metadataOf(drive, metadata)
    if (wanted.mimeType === folderType) throw badRequest('A folder has no content.')
    return { wanted }
  }

  function checkSpace({ drive }: Asked, target: Target, bytes: number): void {
    const replaced = 'file' in target ? (target.file.revisions.at(-1)?.data.length ?? 0) : 0
    if (!drive.fits(bytes, replaced)) throw quotaExceeded()
  }

  function store({ drive }: Asked, target: Target, data: Buffer): DriveFile {
    if ('wanted' in target) return drive.create(target.wanted, data)
    // It may have been removed since.
    drive.replace(ours(drive, target.file.id), data)
    return target.file
  }

  async function upload(asked: Asked): Promise<Answer> {
    const { call, drive } = asked
    const type = call.query.get('uploadType')
    if (type === 'resumable') return begin(asked)
    if (type === 'multipart') {
      const body = await bodyOf(call)
      if (body.length > multipartBytes) throw new Refusal(413, 'uploadTooLarge', 'Use a resumable upload')
      const { metadata, data } = partsOf(call, body)
      const target = targetOf(asked, jsonOf(metadata))
      return selected(asked, shown(drive, store(asked, target, data)), usualFields)
    }
    if (type !== 'media') throw badRequest('Invalid uploadType')
    const target = targetOf(asked, {})
    return selected(asked, shown(drive, store(asked, target, await bodyOf(call))), usualFields)
  }

  async function begin(asked: Asked): Promise<Answer> {
    const { call } = asked
    const target = targetOf(asked, jsonOf(await bodyOf(call)))
    const said = call.headers['x-upload-content-length']
    const bytes = typeof said === 'string' ? Number(said) : null
    if (bytes !== null) checkSpace(asked, target, bytes)
    const id = token()
    sessions.set(id, { target, asked, bytes, held: Buffer.alloc(0), startedAt: now(), done: null })
    const query = new URLSearchParams(call.query)
    query.set('upload_id', id)
    return { headers: { location: `${call.origin}${call.path}?${query.toString()}` }, text: '' }
  }

  /** A part, all of it, or the question how much has arrived. */
  async function resume(asked: Asked): Promise<Answer> {
    const { call, account } = asked
    const session = sessions.get(call.query.get('upload_id') ?? '')
    if (!session || session.asked.account !== account || now() - session.startedAt > sessionLifeMs) throw notFound('upload')
    const range = contentRangeOf(call)
    const body = await receive(call)
    if (session.done) return finished(session)
    if (range === 'status') return incomplete(session)
    const start = range?.start ?? 0
    if (start !== session.held.length) {
      if (range === null && body.isWhole) session.held = Buffer.alloc(0)
      else return incomplete(session)
    }
    const total = range?.total ?? session.bytes
    const held = Buffer.concat([session.held, body.data])
    const isLast = total !== null ? held.length === total : range === null
    if (!isLast && body.isWhole && body.data.length % unit !== 0)
      throw badRequest(`Invalid request. The number of bytes uploaded is required to be a multiple of ${unit}.`)
    // What broke off is kept as far as it came whole.
    session.held = isLast ? held : held.subarray(0, held.length - (held.length % unit))
    if (!isLast || !body.isWhole) return incomplete(session)
    session.done = store(session.asked, session.target, held)
    session.held = Buffer.alloc(0)
    return finished(session)
  }

  function finished({ asked, done }: Session): Answer {
    return selected(asked, shown(asked.drive, done!), usualFields)
  }

  return {
    upload,
    resume,
    forget: () => sessions.clear(),
    /** Sessions begun and not finished. */
    open: () => [...sessions.values()].filter(({ done }) => done === null).length,
  }
}

function incomplete({ held }: Session): Answer {
  return { status: 308, headers: held.length > 0 ? { range: `bytes=0-${held.length - 1}` } : {}, text: '' }
}

async function receive(call: Call): Promise<{ data: Buffer; isWhole: boolean }> {
  const pieces: Buffer[] = []
  try {
    for await (const piece of call.incoming ?? [call.body]) pieces.push(piece)
    return { data: Buffer.concat(pieces), isWhole: true }
  } catch {
    return { data: Buffer.concat(pieces), isWhole: false }
  }
}

function contentRangeOf({ headers }: Call): { start: number; total: number | null } | 'status' | null {
  const text = headers['content-range']
  if (text === undefined) return null
  if (/^bytes \*\/(\*|\d+)$/.test(text)) return 'status'
  const [, start, , total] = /^bytes (\d+)-(\d+)\/(\*|\d+)$/.exec(text) ?? []
  if (start === undefined) throw badRequest('Failed to parse Content-Range header.')
  return { start: Number(start), total: total === '*' ? null : Number(total) }
}

/** The two parts of `multipart/related` (RFC 2387): JSON, then the content. */
function partsOf(call: Call, body: Buffer): { metadata: Buffer; data: Buffer } {
  const boundary = /^multipart\/related;.*\bboundary="?([^";]+)"?/i.exec(call.headers['content-type'] ?? '')?.[1]
  if (boundary === undefined) throw badRequest('Missing boundary')
  const marks: number[] = []
  for (let at = body.indexOf(`--${boundary}`); at !== -1; at = body.indexOf(`--${boundary}`, at + 1)) marks.push(at)
  const [first, second, end] = marks
  if (marks.length !== 3 || !body.subarray(end).toString('latin1').startsWith(`--${boundary}--`))
    throw badRequest('Malformed multipart body.')
  return { metadata: contentOf(body.subarray(first, second)), data: contentOf(body.subarray(second, end)) }
}

function contentOf(part: Buffer): Buffer {
  const start = part.indexOf('\r\n\r\n')
  if (start === -1) throw badRequest('Malformed multipart body.')
  return part.subarray(start + 4, part.length - 2)
}
