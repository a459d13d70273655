import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { AshevilleError } from '@asheville/core'
import { translateFetchError } from './fetch-errors.ts'

export interface BodyOptions {
  /** For messages. */
  service: string
  /** Counted as unpacked, so that a small answer cannot fill memory. */
  maxBytes: number
}

/** A body, whole. `invalid` when it is larger than `maxBytes`, `unavailable` when it is cut off or stalls. */
export async function readBytes(response: Response, { service, maxBytes }: BodyOptions): Promise<Uint8Array> {
  const reader = response.body?.getReader()
  if (!reader) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return Buffer.concat(chunks, bytes)
      bytes += value.length
      if (bytes > maxBytes) throw tooLarge(service, maxBytes)
      chunks.push(value)
    }
  } catch (error) {
    reader.cancel().catch(() => undefined)
    throw translateFetchError(error, service)
  }
}

/** A body as UTF-8 text, whole; a byte order mark is left out. Errors as `readBytes`. */
export async function readText(response: Response, options: BodyOptions): Promise<string> {
  return new TextDecoder().decode(await readBytes(response, options))
}

/**
 * A body as a stream, for media: it fails with `invalid` beyond `maxBytes`, and with `unavailable` when it stalls, is cut off or is shorter
 * than its `Content-Length`. Destroying it ends the request.
 */
export function streamBody(response: Response, options: { service: string; maxBytes?: number }): Readable {
  const { service, maxBytes = Infinity } = options
  if (!response.body) return Readable.from([])
  const expected = response.headers.has('content-encoding') ? null : contentLength(response)
  let bytes = 0
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done(bytes > maxBytes ? tooLarge(service, maxBytes) : null, chunk)
    },
    flush(done) {
      done(expected !== null && bytes !== expected ? new AshevilleError('unavailable', `${service} sent only a part`) : null)
    },
    destroy(error, done) {
      done(error === null ? null : (translateFetchError(error, service) as Error))
    },
  })
  pipeline(Readable.fromWeb(response.body as NodeReadableStream), counted, () => undefined)
  return counted
}

function contentLength(response: Response): number | null {
  const text = response.headers.get('content-length')
  return text !== null && /^\d+$/.test(text) ? Number(text) : null
}

function tooLarge(service: string, maxBytes: number): AshevilleError {
  return new AshevilleError('invalid', `The answer of ${service} is larger than ${maxBytes} bytes`)
}
