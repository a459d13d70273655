import type { Handler } from '../kit/index.ts'
import { readFields } from './asked-fields.ts'
import type { AskedField } from './asked-fields.ts'
import type { Edges, Owner } from './edges.ts'
import { errorAnswer, errors, GraphError } from './errors.ts'
import type { View, Wire } from './node-types.ts'
import { parametersOf, tokenOf } from './parameters.ts'
import { may } from './permissions.ts'
import type { Person } from './records.ts'
import type { Tokens } from './tokens.ts'
import type { Versions } from './versions.ts'

/** A call that may be answered. `params` are those of the path. */
export type Request = {
  params: Record<string, string>
  method: string
  parameters: URLSearchParams
  /** The `fields` parameter; null: the usual ones. */
  asked: AskedField[] | null
  person: Person
  version: string
  view: View
  /** One of the person's listings, or an album's. */
  listing(owner: Owner, edge: string): Wire
}
type Parts = { edges: Edges; tokens: Tokens; versions: Versions; requireProof: boolean; origin: () => string }

/** Parameters that say where in a listing one is; others go along into the address of another page. */
const positions = ['after', 'before', 'since', 'until', '__paging_token', '__previous', 'access_token', 'appsecret_proof']

/** Answers with Graph's error what ends in one. */
export const answering =
  (handler: Handler): Handler =>
  async (call) => {
    try {
      return await handler(call)
    } catch (error) {
      if (error instanceof GraphError) return errorAnswer(error.told)
      throw error
    }
  }

/** Makes handlers of Graph API: the version is looked at first, then the token, then its proof, then the thing itself. */
export function createCalls({ edges, tokens, versions, requireProof, origin }: Parts) {
  /** Another page's address has the token in it, wherever the token of this call was; a proof is not carried along. */
  function addressOf(path: string, parameters: URLSearchParams, position: Record<string, string>, token: string): string {
    const query = new URLSearchParams({ access_token: token })
    for (const [name, value] of parameters) if (!positions.includes(name)) query.set(name, value)
    for (const [name, value] of Object.entries(position)) query.set(name, value)
    return `${origin()}${path}?${query}`
  }

  return (run: (request: Request) => unknown): Handler =>
    answering((call) => {
      const version = versions.served(call)
      const parameters = parametersOf(call)
      const token = tokenOf(call)
      if (token === null) throw errors.noToken(/^\/[^/]+\/me(\/|$)/.test(call.path))
      const { person } = tokens.check(token)
      tokens.checkProof(token, parameters.get('appsecret_proof'), requireProof)

      function listed(owner: Owner, edge: string, of: URLSearchParams, asked: AskedField[] | null): Wire {
        const address = (position: Record<string, string>) => addressOf(`/${version}/${owner.id}/${edge}`, of, position, token!)
        return edges.edges[edge]!.answer(owner, { parameters: of, asked, view, address })
      }
      const view: View = {
        may: (permission) => may(person, permission),
        listing(owner, edge, { modifiers, fields, source }) {
          if (!may(person, edges.edges[edge]!.permission)) return undefined
          const of = new URLSearchParams([...modifiers].filter(([modifier]) => modifier !== 'as'))
          if (source !== null) of.set('fields', source)
          return listed(owner as Owner, edge, of, fields)
        },
      }
      const fields = parameters.get('fields') ?? ''
      const asked = fields === '' ? null : readFields(fields)
      const { params, method } = call
      const listing = (owner: Owner, edge: string) => listed(owner, edge, parameters, asked)
      return { json: run({ params, method, parameters, asked, person, version, view, listing }) }
    })
}
export type Graph = ReturnType<typeof createCalls>
