import type { Answer, Call } from '../kit/index.ts'
import { badRequest } from './errors.ts'
import { selectFields } from './fields.ts'
import type { Drive } from './drive.ts'
import type { Account } from './types.ts'

/** A request of somebody who may ask it. */
export type Asked = { call: Call; account: Account; drive: Drive }
export type Operation = (asked: Asked) => Answer | Promise<Answer>
export type Settings = { pageSize: number; tellsSha256: boolean }

/** A JSON object that came; none where nothing did. */
export function jsonOf(bytes: Buffer): Record<string, unknown> {
  if (bytes.length === 0) return {}
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // As where it is JSON of another kind.
  }
  throw badRequest('Parse Error')
}

/** An answer with the fields that were asked for, or else those that a method answers by itself. */
export function selected({ call }: Asked, json: unknown, usual: string, status = 200): Answer {
  return { status, json: selectFields(json, call.query.get('fields') ?? usual) }
}

/** All of a body that comes as it comes. */
export async function bodyOf({ incoming, body }: Call): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of incoming ?? [body]) pieces.push(piece)
  return Buffer.concat(pieces)
}
