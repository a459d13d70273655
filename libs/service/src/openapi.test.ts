import { expect, test } from '@jest/globals'
import { accountsRoutes, conductorRoutes, platformRoutes } from '@asheville/clients'
import type { RouteContract, ServiceName } from '@asheville/core'
import { Validator } from '@seriousme/openapi-schema-validator'
import { bind } from './binding.ts'
import { createOpenApi } from './openapi.ts'

const services: [ServiceName, Record<string, RouteContract>][] = [
  ['accounts', accountsRoutes],
  ['conductor', conductorRoutes],
  ['platform', platformRoutes],
]

test.each(services)('what %s says of itself is an OpenAPI 3.1 document with all of its routes', async (name, routes) => {
  const bindings = Object.values(routes).map((contract) => bind(contract, () => Promise.reject(new Error('Nobody calls it'))))
  const document = JSON.parse(JSON.stringify(createOpenApi(name, '1.0.0', bindings))) as { openapi: string; paths: Record<string, object> }
  const { valid, errors } = await new Validator().validate(structuredClone(document))
  expect([valid, errors]).toEqual([true, undefined])
  expect(document.openapi).toBe('3.1.0')
  expect(Object.values(document.paths).flatMap((path) => Object.keys(path))).toHaveLength(Object.keys(routes).length)
})
