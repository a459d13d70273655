import { z } from 'zod'
import type { ApiRoute } from './tables.ts'

/** What a person has, by the kind of id that names it; the same names serve for what nobody has. */
export interface Belongings {
  userId: string
  sessionId: string
  sessionToken: string
  connectionId: string
  storageId: string
  syncId: string
  /** Of a stored item, as addresses have it. */
  key: string
  /** Of a stored item, as its network has it. */
  itemId: string
  /** Of a stored media file. */
  path: string
  /** Where on its network a stored media file came from. */
  source: string
  outboxId: string
  notificationId: string
  /** A way to sign in. */
  identityId: string
  passkeyId: string
  /** An account that may be connected as one more. */
  parkedId: string
  appTokenId: string
  /** Lets a program in, to everything. */
  appToken: string
}

/** What calls need besides ids. */
export interface Setting {
  /** A simulated Mastodon server. */
  server: string
  stream: string
  /** Of a live lease of the person's. */
  fence: number
}

/** A place of a call where an id stands. */
export interface Slot {
  part: 'params' | 'query' | 'body'
  pointer: readonly (string | number)[]
  kind: keyof Belongings
}

/** The parts of a call, before they are written down as a request. */
export interface Parts {
  params: Record<string, unknown>
  query: Record<string, unknown>
  body: unknown
}

/** Which properties of contracts hold ids. Any other that a contract says is a UUID is an error: it must be added here. */
const idProperties: Record<string, keyof Belongings> = {
  userId: 'userId',
  connectionId: 'connectionId',
  connectionIds: 'connectionId',
  reconnects: 'connectionId',
  storageId: 'storageId',
  removes: 'storageId',
  syncId: 'syncId',
  sessionId: 'sessionId',
  except: 'sessionId',
  token: 'sessionToken',
  key: 'key',
  path: 'path',
  urls: 'source',
  source: 'source',
  gone: 'itemId',
  ids: 'outboxId',
  notificationId: 'notificationId',
  upTo: 'notificationId',
  identityId: 'identityId',
  passkeyId: 'passkeyId',
  parkedId: 'parkedId',
  appTokenId: 'appTokenId',
  appToken: 'appToken',
  item: 'key',
  other: 'key',
}

interface JsonSchema {
  type?: string | string[]
  format?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  items?: JsonSchema
  properties?: Record<string, JsonSchema>
  required?: string[]
  minimum?: number
  exclusiveMinimum?: number
  minLength?: number
}

export interface SampleOptions {
  /** Optional properties too, not only those that hold ids. */
  whole?: boolean
}

/** A valid call of that route with a person's own ids, and where they stand in it; made from its contract. */
export function sampleOf(route: ApiRoute, own: Belongings, setting: Setting, options: SampleOptions = {}): { parts: Parts; slots: Slot[] } {
  const slots: Slot[] = []
  const { contract } = route
  const values: Record<string, unknown> = { ...knownValues(own, setting), ...(route.name === 'writeItems' && { items: [written] }) }

  function make(schema: JsonSchema, part: Slot['part'], pointer: (string | number)[], name: string): unknown {
    const kind = idProperties[name]
    const first = schema.anyOf?.[0] ?? schema.oneOf?.[0]
    if (kind !== undefined && isText(first ?? schema)) {
      slots.push({ part, pointer, kind })
      return own[kind]
    }
    if (Object.hasOwn(values, name)) return values[name]
    if (schema.format === 'uuid') throw new Error(`${route.service}.${route.name}: tell the matrix whose id ${name} is`)
    if (first) return make(first, part, pointer, name)
    if (schema.type === 'array') return [make(schema.items ?? {}, part, [...pointer, 0], name)]
    if (schema.type === 'object') {
      const named = Object.entries(schema.properties ?? {}).filter(
        ([property]) => options.whole || schema.required?.includes(property) || property in idProperties,
      )
      return Object.fromEntries(named.map(([property, inner]) => [property, make(inner, part, [...pointer, property], property)]))
    }
    return plainValue(schema)
  }

  const of = (schema: z.ZodType | undefined, part: Slot['part']): unknown =>
    schema ? make(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, part, [], '') : {}
  const body = contract.body === 'stream' ? 'bytes of a file' : contract.body === undefined ? undefined : of(contract.body, 'body')
  const params = of(contract.params, 'params') as Parts['params']
  const query = of(contract.query, 'query') as Parts['query']
  return { parts: { params, query, body }, slots }
}

/** What a program writes. */
const written = { contentType: 'posts', at: '2024-03-01T12:00:00.000Z', object: { type: 'Note', content: 'A note' } }

function isText({ type, format }: JsonSchema): boolean {
  return type === 'string' || format === 'uuid'
}

/** Values that a schema alone does not tell, by the name of the property. */
function knownValues({ userId, storageId }: Belongings, { server, stream, fence }: Setting): Record<string, unknown> {
  const at = '2024-03-01T12:00:00.000Z'
  const id = `${server}/notes/1`
  const item = { id, contentType: 'posts', at, object: { id, type: 'Note', content: 'A note' }, media: [], raw: { note: 1 } }
  return {
    stream,
    fence,
    provider: 'mastodon',
    fields: { server },
    callback: { state: storageId, code: 'code' },
    email: `${userId}@example.org`,
    password: 'a calm blue ridge',
    locale: 'en',
    holder: 'matrix',
    network: 'mastodon',
    contentType: 'posts',
    account: { id: `${server}/users/bob`, handle: '@bob', title: 'Bob', url: null },
    items: [{ ...item, seenAt: at, mediaStates: {} }],
    covers: [],
    walks: [{ id: 'walk', kind: 'incremental', range: { from: null, to: null }, cursor: null }],
    replaces: [],
    available: { posts: 1 },
    rejected: null,
    contentTypes: ['posts'],
  }
}

function plainValue(schema: JsonSchema): unknown {
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.format === 'date-time') return '2024-03-01T12:00:00.000Z'
  if (schema.format === 'base64url' || schema.format === 'base64') return 'AAAA'
  if (type === 'boolean') return false
  if (type === 'integer' || type === 'number') return Math.max(1, schema.minimum ?? 0)
  if (type === 'string') return 'x'.repeat(Math.max(1, schema.minLength ?? 0))
  return null
}

/** The same call with something else in one place. */
export function withValue(parts: Parts, { part, pointer }: Pick<Slot, 'part' | 'pointer'>, value: unknown): Parts {
  const copy = structuredClone(parts)
  const last = pointer.at(-1)
  if (last === undefined) return { ...copy, [part]: value }
  let place = copy[part] as Record<string | number, unknown>
  for (const step of pointer.slice(0, -1)) place = place[step] as Record<string | number, unknown>
  place[last] = value
  return copy
}

/** Everything at once: the person's own ids, each in its place, exchanged for another's. */
export function withBelongings(parts: Parts, slots: readonly Slot[], theirs: Belongings): Parts {
  return slots.reduce((changed, slot) => withValue(changed, slot, theirs[slot.kind]), parts)
}
