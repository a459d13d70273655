export interface RedisAddress {
  host: string
  port: number
  username?: string
  password?: string
  tls: boolean
}

/**
 * Reads `redis://[user:password@]host[:port][/database]` or, for a cluster, several of these with commas between them; `rediss` speaks TLS. Of a cluster's nodes
 * some suffice, the others are found; user and password are the first one's. Throws for what cannot be read, without saying what it says.
 */
export function redisAddresses(text: string): [RedisAddress, ...RedisAddress[]] {
  const [first, ...rest] = text.split(',').map((part) => readAddress(part.trim()))
  return [first!, ...rest]
}

function readAddress(text: string): RedisAddress {
  const url = URL.parse(text)
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '')
    throw new Error('must be a redis:// address, or several with commas between them for a cluster')
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 6379 : Number(url.port),
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    tls: url.protocol === 'rediss:',
  }
}

/** Whether it can be read so. */
export function isRedisUrl(text: string): boolean {
  try {
    return redisAddresses(text).length > 0
  } catch {
    return false
  }
}
