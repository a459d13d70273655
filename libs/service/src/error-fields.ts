import { AshevilleError, kindOf } from '@asheville/core'

/** What the log says of an error: never its other fields, where libraries keep requests with their headers. */
export interface ErrorFields {
  kind: string
  name: string
  message: string
  /** A system or library code such as `ECONNREFUSED`, `23505`. */
  code?: string
  stack?: string
  /** Messages of the chain of causes, outermost first. */
  causes?: string[]
}

const maxCauses = 5

/** Anything thrown as plain fields. Expected kinds have no stack: they say what happened, not where. */
export function errorFields(error: unknown): ErrorFields {
  // pino calls a serializer again for an error that was turned into fields already.
  if (isErrorFields(error)) return error
  if (!Error.isError(error)) return { kind: 'unexpected', name: typeof error, message: typeof error === 'string' ? error : 'not an error' }
  const kind = kindOf(error)
  const fields: ErrorFields = { kind, name: error.name, message: error.message }
  const code = codeOf(error)
  if (code !== undefined) fields.code = code
  if (error.stack && (kind === 'unexpected' || !(error instanceof AshevilleError))) fields.stack = error.stack
  const causes = causesOf(error)
  if (causes.length > 0) fields.causes = causes
  return fields
}

function causesOf(error: Error): string[] {
  const causes: string[] = []
  let cause = error.cause
  while (cause !== undefined && cause !== null && causes.length < maxCauses) {
    if (!Error.isError(cause)) {
      if (typeof cause === 'string') causes.push(cause)
      break
    }
    const code = codeOf(cause)
    causes.push(`${cause.name}: ${cause.message}${code === undefined ? '' : ` (${code})`}`)
    cause = cause.cause
  }
  return causes
}

function codeOf(error: Error): string | undefined {
  const code: unknown = 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : undefined
}

const made = new Set(['kind', 'name', 'message', 'code', 'stack', 'causes'])

function isErrorFields(value: unknown): value is ErrorFields {
  if (typeof value !== 'object' || value === null || Error.isError(value)) return false
  return 'kind' in value && 'message' in value && Object.keys(value).every((key) => made.has(key))
}
