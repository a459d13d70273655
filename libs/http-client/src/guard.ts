import { lookup as lookupHost } from 'node:dns/promises'
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { AshevilleError } from '@asheville/core'
import { canonicalHostname, isPublicAddress, type AllowList } from './addresses.ts'

export interface HostAddress {
  address: string
  family: number
}

/** Every address of a host name. */
export type Lookup = (hostname: string) => Promise<HostAddress[]>

/** Names resolved as the machine does (`/etc/hosts` included), IPv4 first: broken IPv6 at home is common. */
export const lookupAll: Lookup = (hostname) => lookupHost(hostname, { all: true, order: 'ipv4first' })

export interface Target {
  hostname: string
  port: number
  /** With TLS; its options as far as the caller has any. */
  tls: ConnectionOptions | null
}

/**
 * Opens connections to checked addresses only: a literal is checked as it is, a name is resolved once, all of its addresses
 * are checked, and the socket goes to one of these, so that no second look-up can tell another story. Only ports 80 and 443,
 * unless allowed. The socket is connecting when it is returned; it fails by itself after `connectMs`.
 */
export function createGuard(options: { allow: AllowList; lookup: Lookup; connectMs: number }): (target: Target) => Promise<Socket> {
  const { allow, lookup, connectMs } = options

  return async ({ hostname, port, tls }) => {
    const host = canonicalHostname(hostname)
    if (host === null) throw new AshevilleError('invalid', 'The address names no server')
    const deadline = Date.now() + connectMs
    const addresses = isIP(host) ? [{ address: host, family: isIP(host) }] : await resolve(host, lookup, connectMs)
    if (!allow.hasHost(host, port)) check(host, port, addresses, allow)

    const onlyChecked: LookupFunction = (_hostname, wanted, callback) => {
      const [first] = addresses
      if (wanted.all) callback(null, addresses)
      else if (first) callback(null, first.address, first.family)
    }
    const where = { host, port, lookup: onlyChecked, autoSelectFamily: true }
    const socket = tls ? connectTls({ ...tls, ...where, servername: serverName(tls, host) }) : connectTcp(where)
    socket.setNoDelay(true).setKeepAlive(true, 60_000)
    const timer = setTimeout(() => socket.destroy(new AshevilleError('unavailable', `${host} does not answer`)), deadline - Date.now())
    socket.once(tls ? 'secureConnect' : 'connect', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
    return socket
  }
}

function serverName(tls: ConnectionOptions, host: string): string {
  // undici gives null where it has none.
  if (tls.servername && isIP(tls.servername) === 0) return tls.servername
  // RFC 6066: no SNI for addresses.
  return isIP(host) ? '' : host
}

function check(host: string, port: number, addresses: readonly HostAddress[], allow: AllowList): void {
  const isUsualPort = port === 80 || port === 443
  for (const { address } of addresses) {
    if (allow.hasAddress(address)) continue
    if (!isPublicAddress(address))
      throw new AshevilleError(
        'invalid',
        `${host} is at a private address. The operator may allow it with OUTBOUND_ALLOW=${entryFor(host, port)}`,
      )
    if (!isUsualPort)
      throw new AshevilleError(
        'invalid',
        `${host} is asked at port ${port}. The operator may allow it with OUTBOUND_ALLOW=${entryFor(host, port)}`,
      )
  }
}

function entryFor(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

async function resolve(host: string, lookup: Lookup, ms: number): Promise<HostAddress[]> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new AshevilleError('unavailable', `The address of ${host} cannot be looked up now`)), ms)
  try {
    const addresses = await Promise.race([lookup(host), late.promise])
    if (addresses.length > 0) return addresses
    throw new UnknownHost(host)
  } catch (error) {
    if (error instanceof AshevilleError) throw error
    if (isNoSuchName(error)) throw new UnknownHost(host, error)
    throw new AshevilleError('unavailable', `The address of ${host} cannot be looked up now`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

function isNoSuchName(error: unknown): boolean {
  return Error.isError(error) && 'code' in error && (error.code === 'ENOTFOUND' || error.code === 'ENODATA')
}

/** The name does not exist: a typing error where a person just wrote it, an outage where it worked before. */
export class UnknownHost extends AshevilleError {
  constructor(host: string, cause?: unknown) {
    super('unavailable', `There is no server called ${host}`, { cause })
  }
}
