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

/** The OpenAPI 3.1 document of a service's routes; pages are not in it. */
export function createOpenApi(name: ServiceName, version: string, bindings: readonly Binding[]): ReturnType<typeof createDocument> {
  const paths: ZodOpenApiPathsObject = {}
  for (const { contract } of bindings) {
    if (!contract) continue
    const path = contract.path.replace(/[:*](\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [contract.method.toLowerCase()]: operationOf(contract) }
  }
  return createDocument({
    openapi: '3.1.0',
    info: { title: `Asheville ${name}`, version },
    paths,
    components: {
      securitySchemes: {
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

function operationOf(contract: RouteContract): ZodOpenApiOperationObject {
  const operation: ZodOpenApiOperationObject = {
    summary: contract.summary,
    responses: responsesOf(contract),
    security: securityOf(contract.policy),
  }
  if (contract.policy.who === 'service')
    operation.description = `For ${contract.policy.from.join(', ')}${contract.policy.user ? ', on behalf of a person' : ''}.`
  if (contract.params || contract.query) operation.requestParams = {}
  if (contract.params) operation.requestParams!.path = contract.params
  if (contract.query) operation.requestParams!.query = contract.query
  if (contract.body !== undefined) {
    const content =
      contract.body === 'stream' ? { 'application/octet-stream': { schema: bytes } } : { 'application/json': { schema: contract.body } }
    operation.requestBody = { required: true, content }
  }
  return operation
}

const bytes = z.string().meta({ override: { type: 'string', format: 'binary' } })

function responsesOf({ reply }: RouteContract): ZodOpenApiResponsesObject {
  const failure = { description: 'What went wrong', content: { 'application/problem+json': { schema: problemSchema } } }
  if (reply === 'none') return { '204': { description: 'Done' }, default: failure }
  if (reply === 'stream')
    return { '200': { description: 'Bytes', content: { 'application/octet-stream': { schema: bytes } } }, default: failure }
  if (reply === 'events')
    return { '200': { description: 'Server-Sent Events', content: { 'text/event-stream': { schema: z.string() } } }, default: failure }
  return { '200': { description: 'Done', content: { 'application/json': { schema: reply } } }, default: failure }
}

function securityOf(policy: Policy): Record<string, string[]>[] {
  if (policy.who === 'service') return [{ service: [] }]
  return policy.who === 'person' ? [{ browser: [] }] : []
}
