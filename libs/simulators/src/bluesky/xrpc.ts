import type { Answer, Call, Handler } from '../kit/index.ts'
import type { Sessions } from './sessions.ts'

/** An error as an XRPC server sends it (atproto.com/specs/xrpc). */
export function xrpcError(status: number, error: string, message: string): Answer {
  return { status, json: { error, message } }
}

export const expired = xrpcError(400, 'ExpiredToken', 'Token has expired')
export const revoked = xrpcError(400, 'ExpiredToken', 'Token has been revoked')
export const unverified = xrpcError(400, 'InvalidToken', 'Token could not be verified')
export const authMissing = xrpcError(401, 'AuthMissing', 'Authentication Required')

type Add = (method: string, pattern: string, handler: Handler) => void
export type Query = {
  call: Call
  /** The signed-in account's DID; null without a token. */
  viewer: string | null
  /** A parameter that must be there. Throws an answer otherwise. */
  need(name: string): string
  get(name: string): string | null
}
type Method = (query: Query) => Answer | Promise<Answer>

/** Registers `GET /xrpc/:nsid` methods; `auth`: needs a token. A bad token is refused wherever one is sent. */
export function createXrpc(add: Add, sessions: Sessions) {
  return function query(nsid: string, method: Method, options: { auth?: boolean } = {}): void {
    add('GET', `/xrpc/${nsid}`, async (call) => {
      const found = call.token === null ? null : sessions.access(call.token)
      if (found === 'expired') return expired
      if (found === 'invalid') return unverified
      if (found === null && options.auth) return authMissing
      const get = (name: string) => call.query.get(name)
      const need = (name: string) => {
        const value = get(name)
        if (value === null || value === '') throw new MissingParameter(name)
        return value
      }
      try {
        return await method({ call, viewer: found?.did ?? null, get, need })
      } catch (error) {
        if (error instanceof MissingParameter) return xrpcError(400, 'InvalidRequest', error.message)
        throw error
      }
    })
  }
}

class MissingParameter extends Error {
  constructor(name: string) {
    super(`Error: Params must have the property "${name}"`)
  }
}
