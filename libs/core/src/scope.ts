import { z } from 'zod'
import { contentTypes, type ContentType } from './item.ts'

/** What a scope lets somebody do with the items of a content type. */
export const acts = ['read', 'write'] as const
export type Act = (typeof acts)[number]

/** What a program may do for the person who let it in, one content type and one act each: `posts:read`. */
export type Scope = `${ContentType}:${Act}`

export const scopes: readonly Scope[] = contentTypes.flatMap((type) => acts.map((act): Scope => `${type}:${act}`))
export const scopeSchema = z.enum(scopes as readonly [Scope, ...Scope[]])

/** The content types of which these scopes allow that; reading does not follow from writing, nor writing from reading. */
export function typesOf(held: readonly Scope[], act: Act): ContentType[] {
  return contentTypes.filter((type) => held.includes(`${type}:${act}`))
}
