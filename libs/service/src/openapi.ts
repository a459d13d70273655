import type { ServiceName } from '@asheville/core'
import { errorKinds, type Policy, type RouteContract } from '@asheville/core'
import { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject, type ZodOpenApiResponsesObject } from 'zod-openapi'
import type { Binding } from './binding.ts'

/** Problem details (RFC 9457) as every failure is answered. */
const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    kind: z.enum(errorKinds),
    requestId: z.string(),
    faults: z.array(z.object({ pointer: z.string(), message: z.string() })).optional(),
    retryAfterMs: z.number().optional(),
    scope: z.enum(['connection', 'server', 'app']).optional(),
  })
  .meta({ id: 'Problem' })

const token = {
  type: 'http',
  scheme: 'bearer',
  description: 'A token that a person made for a program: `Authorization: Bearer ash_pat_…`',
} as const

/** The OpenAPI 3.1 document of a service's routes; pages are not in it. */
export function createOpenApi(name: ServiceName, version: string, bindings: readonly Binding[]): ReturnType<typeof createDocument> {
  const contracts = bindings.flatMap(({ contract }) => contract ?? [])
  return createDocument({
    openapi: '3.1.0',
    info: { title: `Asheville ${name}`, version },
    paths: pathsOf(contracts.map((contract) => [contract, operationOf(contract, securityOf(contract.policy))])),
    components: {
      securitySchemes: {
        token,
        service: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A token that one of our services signed, at most 60 s old',
        },
        browser: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-session',
          description: 'A browser session; unsafe methods are checked against forgery',
        },
      },
    },
  })
}

/** The same of what programs may call, by the names of operations, and of nothing else. */
export function createAppsOpenApi(
  info: { title: string; version: string; description: string },
  routes: Readonly<Record<string, RouteContract>>,
): ReturnType<typeof createDocument> {
  const operations = Object.entries(routes).map(([operationId, contract]): [RouteContract, ZodOpenApiOperationObject] => {
    const { description: _, ...operation } = operationOf(contract, [{ token: [] }])
    return [contract, { operationId, ...operation }]
  })
  return createDocument({ openapi: '3.1.0', info, paths: pathsOf(operations), components: { securitySchemes: { token } } })
}

function pathsOf(operations: readonly (readonly [RouteContract, ZodOpenApiOperationObject])[]): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {}
  for (const [contract, operation] of operations) {
    const path = contract.path.replace(/[:*](\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [contract.method.toLowerCase()]: operation }
  }
  return paths
}

function operationOf(contract: RouteContract, security: Record<string, string[]>[]): ZodOpenApiOperationObject {
  const operation: ZodOpenApiOperationObject = { summary: contract.summary, responses: responsesOf(contract), security }
  const { policy } = contract
  if (policy.who === 'service') operation.description = `For ${policy.from.join(', ')}${policy.user ? ', on behalf of a person' : ''}.`
  if (policy.who === 'app')
    operation.description = `For people’s programs${policy.from.map((name) => `, ${name}`).join('')}, on behalf of a person.`
  const { params: path, query } = contract
  const header = requestHeaders(contract)
  if (path || query || header) operation.requestParams = { ...(path && { path }), ...(query && { query }), ...(header && { header }) }
  if (contract.body !== undefined) {
    const content =
      contract.body === 'stream' ? { 'application/octet-stream': { schema: bytes } } : { 'application/json': { schema: contract.body } }
    operation.requestBody = { required: true, content }
  }
  return operation
}

const bytes = z.string().meta({ override: { type: 'string', format: 'binary' } })

function requestHeaders({ idempotent, etag, ifMatch }: RouteContract): z.ZodObject | null {
  if (idempotent) return z.object({ 'Idempotency-Key': idempotencyKey.optional() })
  if (etag) return z.object({ 'If-None-Match': z.string().optional().describe('An earlier ETag: 304 when nothing has changed since') })
  if (ifMatch)
    return z.object({ 'If-Match': z.string().optional().describe('The ETag of what is to be changed: 412 when it is not that any more') })
  return null
}

const idempotencyKey = z
  .string()
  .min(1)
  .max(255)
  .describe('Of your choice, for one request: sent again with it, it has one effect, and for a day the answer is the first one')

function replyHeaders({ idempotent, etag, paged }: RouteContract): z.ZodObject | null {
  if (idempotent) return z.object({ 'Idempotent-Replayed': z.literal('true').optional().describe('This is the first answer once more') })
  if (!etag && !paged) return null
  return z.object({
    ...(etag && { ETag: z.string().describe('A validator of this answer') }),
    ...(paged && { Link: z.string().optional().describe('The next page (RFC 8288), where there is one: `<…>; rel="next"`') }),
  })
}

function responsesOf(contract: RouteContract): ZodOpenApiResponsesObject {
  const { reply, idempotent, etag, ifMatch, creates } = contract
  const problem = (description: string) => ({ description, content: { 'application/problem+json': { schema: problemSchema } } })
  const failures: ZodOpenApiResponsesObject = {
    ...(etag && { '304': { description: 'Nothing has changed' } }),
    ...(idempotent && {
      '409': problem('A conflict; with `Retry-After`, the same request is being worked on'),
      '422': problem('The key was used for another request'),
    }),
    ...(ifMatch && { '412': problem('It was changed meanwhile') }),
    default: problem('What went wrong'),
  }
  const headers = replyHeaders(contract)
  if (reply === 'none') return { '204': { description: 'Done' }, ...failures }
  if (reply === 'stream')
    return { '200': { description: 'Bytes', content: { 'application/octet-stream': { schema: bytes } } }, ...failures }
  if (reply === 'events')
    return { '200': { description: 'Server-Sent Events', content: { 'text/event-stream': { schema: z.string() } } }, ...failures }
  const json = { ...(headers && { headers }), content: { 'application/json': { schema: reply } } }
  return {
    '200': { description: creates ? 'It was there already' : 'Done', ...json },
    ...(creates && { '201': { description: 'Created', ...json } }),
    ...failures,
  }
}

function securityOf(policy: Policy): Record<string, string[]>[] {
  if (policy.who === 'service') return [{ service: [] }]
  if (policy.who === 'app') return policy.from.length > 0 ? [{ token: [] }, { service: [] }] : [{ token: [] }]
  return policy.who === 'person' ? [{ browser: [] }] : []
}
