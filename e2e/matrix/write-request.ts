import type { ApiRoute } from './tables.ts'
import type { Parts } from './samples.ts'
import type { Sent } from './send.ts'

/** Something that stands in a path or query as it is: `%00` stays `%00`. */
export interface Raw {
  readonly rawText: string
}

export function raw(rawText: string): Raw {
  return { rawText }
}

/** The request by which a route is called with those parts. Arrays in a query repeat its name. */
export function writeRequest({ contract }: Pick<ApiRoute, 'contract'>, parts: Parts, headers: Record<string, string> = {}): Sent {
  const path = fillPath(contract.path, parts.params)
  const query = Object.entries(parts.query).flatMap(([name, value]) => [value].flat().map((one) => `${encodeOne(name)}=${encodeOne(one)}`))
  const address = query.length === 0 ? path : `${path}?${query.join('&')}`
  if (contract.body === undefined) return { method: contract.method, path: address, headers }
  if (contract.body === 'stream')
    return {
      method: contract.method,
      path: address,
      headers: { 'content-type': 'application/octet-stream', ...headers },
      body: String(parts.body),
    }
  const body = JSON.stringify(parts.body)
  return { method: contract.method, path: address, headers: { 'content-type': 'application/json', ...headers }, body }
}

/** Express's form with values in it; slashes in a `*path` stay. */
export function fillPath(path: string, params: Readonly<Record<string, unknown>>): string {
  return path.replace(/([:*])(\w+)/g, (_, sign: string, name: string) => {
    const value = params[name]
    return sign === '*' && typeof value === 'string' ? value.split('/').map(encodeURIComponent).join('/') : encodeOne(value)
  })
}

function encodeOne(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'rawText' in value) return String(value.rawText)
  const text = Array.isArray(value) && value.every((one) => typeof one === 'string') ? value.join(',') : value
  return encodeURIComponent((typeof text === 'object' ? JSON.stringify(text) : String(text)).toWellFormed().slice(0, 8000))
}
