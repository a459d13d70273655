import { Transform, type Readable } from 'node:stream'
import { AshevilleError } from '@asheville/core'
import type { Request } from 'express'
import type { Form } from './browser.ts'
import { invalidWithStatus } from './problem.ts'

export const defaultMaxBytes = 1024 ** 2
const maxFormBytes = 64 * 1024
const maxFormFields = 500
const maxDepth = 64

/**
 * A JSON body, read whole. `invalid` for what is too large (413), not JSON (415 by its type), not UTF-8, nested more than
 * 64 deep, or cut short. `__proto__` keys are left out.
 */
export async function readJson(request: Request, maxBytes: number, signal: AbortSignal): Promise<unknown> {
  requireType(request, /^application\/(json|[\w.-]+\+json)\s*(;|$)/i, 'JSON (application/json)')
  const bytes = await readBytes(request, maxBytes, signal)
  const text = decode(bytes)
  if (isTooDeep(bytes)) throw new AshevilleError('invalid', `The body is nested more than ${maxDepth} deep`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new AshevilleError('invalid', 'The body is not JSON')
  }
  if (mayNamePrototype(text)) withoutPrototypes(value)
  // Postgres has no NUL in text. Larger bodies are batches of what networks hold, and their service decides.
  if (maxBytes <= defaultMaxBytes && text.includes('\\u0000') && hasNul(value))
    throw new AshevilleError('invalid', 'The body holds a NUL character')
  return value
}

/** A urlencoded form; null when the request has no body. */
export async function readForm(request: Request, signal: AbortSignal): Promise<Form | null> {
  if (!hasBody(request)) return null
  requireType(request, /^application\/x-www-form-urlencoded\s*(;|$)/i, 'a form (application/x-www-form-urlencoded)')
  const text = decode(await readBytes(request, maxFormBytes, signal))
  const form: Record<string, string | string[]> = Object.create(null)
  const pairs = [...new URLSearchParams(text)]
  if (pairs.length > maxFormFields) throw new AshevilleError('invalid', 'The form has too many fields')
  for (const [name, value] of pairs) {
    if (name.includes('\0') || value.includes('\0')) throw new AshevilleError('invalid', 'The form holds a NUL character')
    const before = form[name]
    form[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]
  }
  return form
}

/** The body as bytes as they come; ends with `invalid` past `maxBytes`, and `unavailable` after `idleMs` without any. */
export function streamBody(request: Request, maxBytes: number, idleMs: number, signal: AbortSignal): Readable {
  refuseDeclared(request, maxBytes)
  let bytes = 0
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      idle.refresh()
      done(bytes > maxBytes ? tooLarge(maxBytes) : null, chunk)
    },
    flush(done) {
      clearTimeout(idle)
      done()
    },
    destroy(error, done) {
      clearTimeout(idle)
      signal.removeEventListener('abort', stop)
      request.unpipe(counted)
      request.resume()
      done(error)
    },
  })
  const idle = setTimeout(() => {
    // A handler that is slow to read holds the sender back; only a sender with nothing to give is idle.
    if (counted.writableNeedDrain || request.readableLength > 0) idle.refresh()
    else counted.destroy(new AshevilleError('unavailable', 'The body stopped coming'))
  }, idleMs)
  idle.unref()
  const stop = () => counted.destroy(Error.isError(signal.reason) ? signal.reason : new AshevilleError('cancelled', 'Cancelled'))
  signal.addEventListener('abort', stop, { once: true })
  request.once('error', (cause) => counted.destroy(new AshevilleError('cancelled', 'The body was cut off', { cause })))
  request.once('close', () => {
    if (!request.readableEnded && !request.complete) counted.destroy(new AshevilleError('cancelled', 'The body was cut off'))
  })
  // Whoever reads it gets the error; one that nobody reads must not end the process.
  counted.on('error', () => undefined)
  return request.pipe(counted)
}

export function hasBody(request: Request): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
}

function requireType(request: Request, type: RegExp, name: string): void {
  if (!type.test(request.headers['content-type'] ?? '')) throw invalidWithStatus(415, `The body must be ${name}`)
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') throw invalidWithStatus(415, 'The body must not be compressed')
}

function refuseDeclared(request: Request, maxBytes: number): void {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
}

function tooLarge(maxBytes: number): AshevilleError {
  return invalidWithStatus(413, `The body is larger than ${maxBytes} bytes`)
}

async function readBytes(request: Request, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  refuseDeclared(request, maxBytes)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const end = (settle: () => void) => {
      request.off('data', add)
      signal.removeEventListener('abort', abort)
      settle()
    }
    const add = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBytes) end(() => reject(tooLarge(maxBytes)))
      else chunks.push(chunk)
    }
    const abort = () => end(() => reject(signal.reason))
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    request.on('data', add)
    request.once('end', () => end(() => resolve(Buffer.concat(chunks, bytes))))
    request.once('error', (cause) => end(() => reject(new AshevilleError('cancelled', 'The body was cut off', { cause }))))
  })
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new AshevilleError('invalid', 'The body is not UTF-8')
  }
}

/** Looks at brackets outside strings; JSON.parse itself knows no bound, and what walks over the value later would overflow. */
function isTooDeep(bytes: Buffer): boolean {
  let depth = 0
  let isInString = false
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index]
    if (isInString) {
      if (byte === 0x5c) index++
      else if (byte === 0x22) isInString = false
    } else if (byte === 0x22) isInString = true
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > maxDepth) return true
    } else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return false
}

function mayNamePrototype(text: string): boolean {
  return text.includes('__proto__') || /\\u005f/i.test(text)
}

function withoutPrototypes(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (Object.hasOwn(value, '__proto__')) Reflect.deleteProperty(value, '__proto__')
  for (const inner of Object.values(value)) withoutPrototypes(inner)
}

function hasNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0')
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, inner]) => name.includes('\0') || hasNul(inner))
}
