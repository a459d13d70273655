import { errorFields } from './error-fields.ts'

const mask = '[masked]'

/** Names of fields that hold secrets or what people wrote, in any case, with `_` and `-` left out. */
const secretName =
  /^(.*(token|secret|password|passphrase|privatekey|apikey|cookie|credentials?|authorization|verifier)|content|raw|email|body|headers?|jwt)$/

const maxDepth = 5

/** A copy of a log entry with secrets masked at any depth and errors turned into their fields. */
export function maskSecrets(entry: Record<string, unknown>): Record<string, unknown> {
  return maskEntry(entry, 0)
}

function maskEntry(entry: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(entry).map(([name, value]) => [name, isSecret(name, value) ? mask : maskValue(value, depth + 1)]),
  )
}

function isSecret(name: string, value: unknown): boolean {
  return value !== null && value !== undefined && typeof value !== 'boolean' && secretName.test(name.toLowerCase().replace(/[-_]/g, ''))
}

function maskValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Error.isError(value)) return errorFields(value)
  if (value instanceof Date) return value
  if (depth > maxDepth) return '[deep]'
  if (Array.isArray(value)) return value.slice(0, 100).map((inner) => maskValue(inner, depth + 1))
  if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value)) return `[${value.constructor.name}]`
  const toJson: unknown = 'toJSON' in value ? value.toJSON : undefined
  if (typeof toJson === 'function') return maskText(String(value))
  return maskEntry(value, depth)
}

/** Queries, fragments and user names in addresses, and credentials as they stand in headers, inside any text. */
export function maskText(text: string): string {
  return text
    .replace(/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"'\\]+@/gi, `$1${mask}@`)
    .replace(/(\bhttps?:\/\/[^\s?#"'\\]+)[?#][^\s"'\\]*/gi, `$1?${mask}`)
    .replace(/\b(Bearer|Basic|DPoP)\s+[\w.~+/=-]{6,}/gi, `$1 ${mask}`)
    .replace(/\bash_pat_\w{6,}/g, mask)
    .replace(/\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g, mask)
}

/** A whole log line, just before it is written. */
export function maskLine(line: string): string {
  return maskText(line)
}
