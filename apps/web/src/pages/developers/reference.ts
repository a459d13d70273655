import type { createAppsOpenApi } from '@asheville/service'

type Document = ReturnType<typeof createAppsOpenApi>

/** One operation as the page shows it. */
export interface Operation {
  id: string
  method: string
  path: string
  summary: string
  /** What goes into the address and the headers. */
  parameters: Field[]
  body: Field[]
  replies: { status: string; description: string; type: string; fields: Field[] }[]
}

export interface Field {
  name: string
  /** Where it stands; empty within a body. */
  place: string
  type: string
  isRequired: boolean
  description: string
}

interface Schema {
  $ref?: string
  type?: string | string[]
  format?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  description?: string
  default?: unknown
  minimum?: number
  maximum?: number
}

interface Parameter {
  name: string
  in: string
  required?: boolean
  description?: string
  schema?: Schema
}

interface Described {
  summary?: string
  parameters?: Parameter[]
  requestBody?: { content?: Record<string, { schema?: Schema }> }
  responses?: Record<string, { description?: string; content?: Record<string, { schema?: Schema }> }>
}

/** What programs can ask for, in the order of the document. */
export function operationsOf(document: Document): Operation[] {
  const schemas = (document.components?.schemas ?? {}) as Record<string, Schema>
  const resolve = (schema: Schema): Schema => (schema.$ref === undefined ? schema : (schemas[schema.$ref.split('/').at(-1)!] ?? {}))
  return Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, Described & { operationId: string }>).map(([method, operation]) => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      summary: operation.summary ?? '',
      parameters: (operation.parameters ?? []).map(parameterOf),
      body: fieldsOf(firstSchema(operation.requestBody?.content) ?? {}, resolve),
      replies: Object.entries(operation.responses ?? {}).map(([status, { description = '', content }]) => ({
        status,
        description,
        type: Object.keys(content ?? {}).join(', '),
        fields: status === '200' || status === '201' ? fieldsOf(firstSchema(content) ?? {}, resolve) : [],
      })),
    })),
  )
}

function firstSchema(content: Record<string, { schema?: Schema }> | undefined): Schema | undefined {
  return Object.values(content ?? {})[0]?.schema
}

function parameterOf({ name, in: place, required = false, description, schema = {} }: Parameter): Field {
  return {
    name,
    place,
    isRequired: required,
    type: typeOf(schema),
    description: [description ?? schema.description ?? '', boundsOf(schema)].filter(Boolean).join('. '),
  }
}

/** The properties of an object, those of objects within it by their path. */
function fieldsOf(schema: Schema, resolve: (schema: Schema) => Schema, before = '', depth = 0): Field[] {
  const whole = resolve(schema)
  const required = new Set(whole.required)
  return Object.entries(whole.properties ?? {}).flatMap(([name, property]) => {
    const inner = resolve(property)
    const list = inner.items ? resolve(inner.items) : null
    const path = `${before}${name}${list ? '[]' : ''}`
    const field = { name: path, place: '', type: typeOf(inner), isRequired: required.has(name), description: inner.description ?? '' }
    return depth > 3 ? [field] : [field, ...fieldsOf(list ?? inner, resolve, `${path}.`, depth + 1)]
  })
}

function typeOf(schema: Schema): string {
  const either = schema.anyOf ?? schema.oneOf
  if (either) return either.map(typeOf).join(' | ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map(String).join(' | ')
  if (schema.items) return `list of ${typeOf(schema.items)}`
  if (schema.format !== undefined) return schema.format
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1)!
  return [schema.type ?? 'anything'].flat().join(' | ')
}

function boundsOf({ minimum, maximum, default: usual }: Schema): string {
  const bounds = minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `${minimum} to ${maximum}` : ''
  return [bounds, usual === undefined ? '' : `${String(usual)} unless given`].filter(Boolean).join('; ')
}
