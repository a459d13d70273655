import { AshevilleError, throwIfAborted, type StorageIo } from '@asheville/core'
import { readText, translateFetchError } from '@asheville/http-client'
import { drive, type drive_v3 } from '@googleapis/drive'
import { errorOfAnswer, service, translateError } from './translate-error.ts'

/** Handed to each call of the SDK. */
export interface CallOptions {
  signal: AbortSignal
  headers: Record<string, string>
}

/** Requests for one person. Throws our errors alone. */
export interface Client {
  call<T extends object>(signal: AbortSignal, work: (sdk: drive_v3.Drive, options: CallOptions) => Promise<{ data: T }>): Promise<T>
  /** The same, of what answers nothing. */
  tell(signal: AbortSignal, work: (sdk: drive_v3.Drive, options: CallOptions) => Promise<unknown>): Promise<void>
  /** Content, which the SDK would not end when its source breaks. `path` from the root of the API; any status that is not in `wanted` is thrown. */
  send(path: string, request: RequestInit & { signal: AbortSignal }, wanted?: readonly number[]): Promise<Response>
}

export function createClient({ http, variables, token }: StorageIo): Client {
  const rootUrl = variables['GOOGLE_DRIVE_API_URL'] ?? ''
  const fetchImplementation = (address: string | URL | Request, { method, headers, body, signal }: RequestInit = {}) =>
    http.fetch(address, { method, headers, body, signal, redirect: 'manual' } as RequestInit)
  const sdk = drive({ version: 'v3', rootUrl, fetchImplementation, retry: false, responseType: 'json' })
  const authorized = async () => ({ authorization: `Bearer ${await token()}` })

  async function ask<T>(signal: AbortSignal, work: (sdk: drive_v3.Drive, options: CallOptions) => Promise<T>): Promise<T> {
    throwIfAborted(signal)
    const headers = await authorized()
    try {
      return await work(sdk, { signal, headers })
    } catch (error) {
      throw translateError(error, signal)
    }
  }

  return {
    async call(signal, work) {
      const { data } = await ask(signal, work)
      // The SDK hands out as text what it cannot read.
      if (typeof data !== 'object') throw unreadable()
      return data
    },

    async tell(signal, work) {
      await ask(signal, work)
    },

    async send(path, request, wanted = [200]) {
      throwIfAborted(request.signal)
      const headers = { ...(request.headers as Record<string, string>), ...(await authorized()) }
      try {
        const response = await http.fetch(new URL(path, rootUrl), {
          ...request,
          headers,
          redirect: 'manual',
          duplex: 'half',
        } as RequestInit)
        if (wanted.includes(response.status)) return response
        throw errorOfAnswer(response.status, response.headers, await jsonOf(response).catch(() => null))
      } catch (error) {
        throw translateFetchError(error, service, request.signal)
      }
    },
  }
}

/** An answer of `send`, read. */
export async function jsonOf(response: Response): Promise<unknown> {
  const text = await readText(response, { service, maxBytes: 1024 * 1024 })
  try {
    return JSON.parse(text)
  } catch {
    throw unreadable()
  }
}

/** What every answer of this kind has. */
export function said(value: string | null | undefined): string {
  if (!value) throw unreadable()
  return value
}

function unreadable(): AshevilleError {
  return new AshevilleError('unavailable', `${service}’s answer is not what it should be`)
}
