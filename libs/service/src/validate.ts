import { AshevilleError, type InputFault, type RouteContract } from '@asheville/core'
import { z } from 'zod'

const maxFaults = 20
const nothing = z.strictObject({})

/** The path parameters as the contract has them; a fault's pointer is `/params/<name>`. */
export function parseParams(contract: RouteContract, params: object): Record<string, unknown> {
  refuseNul(params, '/params')
  return parse(contract.params ?? nothing, ownKeys(params), '/params')
}

/** The query as the contract has it; what it does not name is refused. A fault's pointer is `/query/<name>`. */
export function parseQuery(contract: RouteContract, query: object): Record<string, unknown> {
  refuseNul(query, '/query')
  return parse(contract.query ?? nothing, ownKeys(query), '/query')
}

/** The body as the contract has it; a fault's pointer is the field's own: `/email`. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  return parse(schema, body, '')
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, base: string): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const faults = result.error.issues.flatMap((issue) => faultsOf(issue, base)).slice(0, maxFaults)
  throw new AshevilleError('invalid', messageOf(faults), { faults })
}

function faultsOf(issue: z.core.$ZodIssue, base: string): InputFault[] {
  const pointer = base + pointerOf(issue.path)
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ pointer: pointer + pointerOf([key]), message: 'Is not known' }))
  return [{ pointer, message: issue.message }]
}

function messageOf(faults: InputFault[]): string {
  const [first] = faults
  if (faults.length !== 1 || !first) return 'Some fields are not valid'
  return first.pointer === '' ? first.message : `${first.pointer.slice(1)}: ${first.message}`
}

/** RFC 6901. Names are cut, so that a problem never grows with what was sent. */
function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** Path and query values reach databases, where text has no NUL. */
export function refuseNul(values: object, base: '/params' | '/query'): void {
  for (const [name, value] of Object.entries(values)) {
    const parts: unknown[] = Array.isArray(value) ? value : [value]
    if (parts.some((part) => typeof part === 'string' && part.includes('\0')))
      throw new AshevilleError('invalid', 'A NUL character is not allowed', {
        faults: [{ pointer: base + pointerOf([name]), message: 'Holds a NUL character' }],
      })
  }
}

/** Parsers give objects without a prototype. */
function ownKeys(values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values))
}
