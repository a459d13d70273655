import { AshevilleError, throwIfAborted, type Http } from '@asheville/core'
import { errorOfResponse, translateFetchError } from '@asheville/http-client'

export const service = 'The WebDAV server'

/** How one person's server is asked. */
export interface Client {
  /** Answers any status, as it came; throws our errors when there is none. `address` is whole. */
  send(method: string, address: string, init: Init): Promise<Response>
  /** The same, where only these statuses are good; every other is thrown as ours. */
  sendFor(statuses: readonly number[], method: string, address: string, init: Init): Promise<Response>
}

export interface Init {
  headers?: Record<string, string>
  body?: string | AsyncIterable<Uint8Array>
  signal: AbortSignal
  /** `manual` where an answer that leads elsewhere is an answer. */
  redirect?: 'follow' | 'manual'
}

/** @param token what a Basic authorization is made of (RFC 7617): `user:password` */
export function createClient({ http, token }: { http: Pick<Http, 'fetch'>; token(): Promise<string> }): Client {
  async function send(method: string, address: string, { headers, body, signal, redirect = 'follow' }: Init): Promise<Response> {
    throwIfAborted(signal)
    const authorization = `Basic ${Buffer.from(await token(), 'utf8').toString('base64')}`
    const init = { method, headers: { ...headers, authorization }, body, signal, redirect, duplex: 'half' } as unknown as RequestInit
    try {
      return await http.fetch(address, init)
    } catch (error) {
      throw translateFetchError(error, new URL(address).host, signal)
    }
  }

  return {
    send,
    async sendFor(statuses, method, address, init) {
      const response = await send(method, address, init)
      if (statuses.includes(response.status)) return response
      throw errorOf(response)
    },
  }
}

/** The words of RFC 4918 §11 and of servers that keep to it, as ours; the rest as any answer's. */
export function errorOf(response: Response): AshevilleError {
  const { status } = response
  const error = errorOfResponse(response, { service })
  if (status === 412) return new AshevilleError('conflict', 'The file has changed on the WebDAV server')
  if (status === 423) return new AshevilleError('unavailable', 'Another program holds a lock on this file on the WebDAV server')
  if (status === 413) return new AshevilleError('invalid', 'The WebDAV server takes no file of this size')
  return error
}

/** Lets go of a body that nobody reads. */
export function dismiss(response: Response): void {
  response.body?.cancel().catch(() => undefined)
}
