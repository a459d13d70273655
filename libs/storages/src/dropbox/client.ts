import { AshevilleError, throwIfAborted, type StorageIo } from '@asheville/core'
import { readText, translateFetchError } from '@asheville/http-client'
import { Dropbox, type DropboxResponse } from 'dropbox'
import { errorOfAnswer, translateError } from './translate-error.ts'

/** How the SDK is told of the signal, and of headers that it does not set itself. */
export interface CallOptions {
  signal: AbortSignal
  extraHeaders?: Record<string, string>
}

/**
 * Calls for one person. Nothing is asked of Dropbox before the end of a `Retry-After` that any call of this person in this process was told.
 * Throws our errors alone.
 */
export interface Client {
  call<T>(signal: AbortSignal, work: (sdk: Dropbox, options: CallOptions) => Promise<DropboxResponse<T>>): Promise<T>
  /** `files/download`, which the SDK would read into memory whole. https://www.dropbox.com/developers/documentation/http/documentation#files-download */
  download(path: string, range: string | null, signal: AbortSignal): Promise<Response>
}

/** Until when Dropbox asked us to wait, by account. */
const heldBack = new Map<string, number>()

type Part = 'api' | 'content' | 'notify'
const variableOf: Record<Part, string> = { api: 'DROPBOX_API_URL', content: 'DROPBOX_CONTENT_URL', notify: 'DROPBOX_NOTIFY_URL' }

export function createClient(io: StorageIo): Client {
  const { http, variables, account } = io

  /** The SDK has its addresses built in; the operator's are others perhaps. */
  const fetch = (address: string, init: RequestInit) => {
    const { host, pathname, search } = new URL(address)
    const part = host.split('.')[0] as Part
    const wanted = typeof init.body === 'object' && init.body !== null ? ({ ...init, duplex: 'half' } as RequestInit) : init
    const send = part === 'notify' ? http.longPoll : http.fetch
    return send(new URL(pathname + search, variables[variableOf[part]]), wanted)
  }

  const refuseEarly = () => {
    const waitMs = (heldBack.get(account.id) ?? 0) - io.now().getTime()
    if (waitMs > 0) throw new AshevilleError('rate-limited', 'Dropbox asks to wait', { retryAfterMs: waitMs })
    heldBack.delete(account.id)
  }
  const heed = (error: unknown): unknown => {
    if (error instanceof AshevilleError && error.kind === 'rate-limited' && error.retryAfterMs !== undefined) {
      const until = io.now().getTime() + error.retryAfterMs
      heldBack.set(account.id, Math.max(heldBack.get(account.id) ?? 0, until))
    }
    return error
  }

  return {
    async call(signal, work) {
      throwIfAborted(signal)
      const sdk = new Dropbox({ accessToken: await io.token(), fetch })
      refuseEarly()
      try {
        const { result } = await work(sdk, { signal })
        // The SDK hands out as text what it cannot read.
        if (typeof result === 'string') throw new AshevilleError('unavailable', 'Dropbox’s answer is not what it should be')
        return result
      } catch (error) {
        throw heed(translateError(error, signal))
      }
    },

    async download(path, range, signal) {
      throwIfAborted(signal)
      const headers = {
        authorization: `Bearer ${await io.token()}`,
        'dropbox-api-arg': headerSafe({ path }),
        ...(range !== null && { range }),
      }
      refuseEarly()
      try {
        const response = await fetch('https://content.dropboxapi.com/2/files/download', { method: 'POST', headers, signal })
        if (response.ok) return response
        throw errorOfAnswer(response.status, response.headers, await problemOf(response))
      } catch (error) {
        throw heed(translateFetchError(error, 'Dropbox', signal))
      }
    },
  }
}

async function problemOf(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await readText(response, { service: 'Dropbox', maxBytes: 64 * 1024 }))
  } catch {
    return null
  }
}

/** JSON for a header: what is not ASCII is escaped. https://www.dropbox.com/developers/reference/json-encoding */
function headerSafe(value: object): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
