import type { Call, Handler } from '../kit/index.ts'
import type { Graph, Request } from './calls.ts'
import type { Edges } from './edges.ts'
import { errors, GraphError } from './errors.ts'
import type { Told } from './errors.ts'
import { plainField } from './node-types.ts'
import type { Wire } from './node-types.ts'
import type { Objects } from './objects.ts'
import type { Person } from './records.ts'
import type { FacebookOptions } from './types.ts'
import { permissionList } from './user-kind.ts'
import type { Versions } from './versions.ts'

type Add = (method: string, pattern: string, handler: Handler) => void
type Parts = {
  graph: Graph
  objects: Objects
  edges: Edges
  versions: Versions
  missingPermission: NonNullable<FacebookOptions['missingPermission']>
  removeApp(person: Person): void
  count(name: string): void
}
const mostIds = 50

/** The paths of Graph API that read, and the one that takes permissions back. */
export function addApi(add: Add, { graph, objects, edges, versions, missingPermission, removeApp, count }: Parts): void {
  const object = (id: string, request: Request) => objects.object(id, request.asked, request)
  const field = (id: string, name: string, request: Request): unknown =>
    objects.object(id, [{ ...plainField(name), fields: request.asked }], request)[name]

  function self({ params, method, person }: Request): Person {
    if (params.id !== 'me' && params.id !== person.id) throw errors.missing(params.id!, method.toLowerCase())
    return person
  }
  function takeBack(request: Request, permission: string | null) {
    const person = self(request)
    count('revocations')
    if (permission === null) removeApp(person)
    else if (!person.permissions.has(permission)) throw errors.badParameter(`Unknown permission ${permission}`)
    else person.permissions.set(permission, 'declined')
    return { success: true }
  }
  const permissions = '/:version/:id/permissions'
  add(
    'GET',
    permissions,
    graph((request) => ({ data: permissionList(self(request)) })),
  )
  add(
    'DELETE',
    permissions,
    graph((request) => takeBack(request, request.parameters.get('permission'))),
  )
  add(
    'DELETE',
    `${permissions}/:permission`,
    graph((request) => takeBack(request, request.params.permission!)),
  )

  add(
    'GET',
    '/:version/:id/attachments',
    graph((request) => field(request.params.id!, 'attachments', request) ?? { data: [] }),
  )
  function listing(request: Request, name: string): Wire {
    const { permission } = edges.edges[name]!
    const owner = objects.ownerOf(request.params.id!, name, request)
    if (request.view.may(permission)) return request.listing(owner, name)
    if (missingPermission !== 'empty') throw errors.noPermission(missingPermission, permission)
    return { data: [] }
  }
  for (const name of Object.keys(edges.edges))
    add(
      'GET',
      `/:version/:id/${name}`,
      graph((request) => listing(request, name)),
    )

  /** Several objects by `ids`; one that is not there spoils the whole call. */
  function byIds(request: Request): Wire {
    const ids = request.parameters.get('ids')
    if (ids === null) throw errors.unknownPath('/')
    if (versions.numberOf(request.version) >= 26)
      throw new GraphError({ code: 12, message: '(#12) ids is deprecated for versions v26.0 and higher' })
    const wanted = [...new Set(ids.split(',').filter(Boolean))]
    if (wanted.length > mostIds) throw errors.badParameter(`Too many IDs. Maximum: ${mostIds}. Provided: ${wanted.length}.`)
    const missing: string[] = []
    const found: Wire = {}
    for (const id of wanted) {
      try {
        found[id] = object(id, request)
      } catch (error) {
        if (!(error instanceof GraphError) || error.told.subcode !== 33) throw error
        missing.push(id)
      }
    }
    if (missing.length === 0) return found
    const message = `(#803) Some of the aliases you requested do not exist: ${missing.join(',')}`
    throw new GraphError({ code: 803, status: 404, message })
  }
  add('GET', '/:version', graph(byIds))
  add('GET', '/:version/', graph(byIds))
  add(
    'GET',
    '/:version/me',
    graph((request) => object('me', request)),
  )
  add(
    'GET',
    '/:version/:id',
    graph((request) => object(request.params.id!, request)),
  )
}

/** What is told of a path that leads nowhere. */
export const noPath = ({ path }: Call): Told => errors.unknownPath(`/${path.split('/').slice(2).join('/')}`).told
