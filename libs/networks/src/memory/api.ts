import { kindOf, type PullIo } from '@asheville/core'
import { fetchJson } from '@asheville/http-client'
import { z } from 'zod'

/*
 * The I/O: one function per endpoint, the vendor's types beside it, links to its documentation. Only what we use is described,
 * and nothing of what we do not use can break us. Whatever `fetchJson` throws is already one of our errors.
 */

const service = 'Memory'
const perPage = 30

export const pictureSchema = z.object({
  url: z.url(),
  alt: z.string().nullable(),
  width: z.number().nullish(),
  height: z.number().nullish(),
})

export const postSchema = z.object({
  id: z.string().min(1),
  url: z.url(),
  author: z.string(),
  text: z.string(),
  created_at: z.iso.datetime(),
  edited_at: z.iso.datetime().nullable(),
  pictures: z.array(pictureSchema),
  like_count: z.number(),
})
export type Post = z.infer<typeof postSchema>

const meSchema = z.object({ id: z.string(), name: z.string(), url: z.url(), joined_at: z.iso.datetime(), post_count: z.number() })
export type Me = z.infer<typeof meSchema>

/** Records are checked one by one later on (items.ts), so that a broken one costs only itself. */
const postsSchema = z.object({ posts: z.array(z.unknown()), older: z.string().nullable(), total: z.number() })
const likesSchema = z.object({ likes: z.array(z.unknown()), older: z.string().nullable() })

/** What a request needs, whether somebody is signing in or pulling. */
export interface Access {
  http: PullIo['http']
  token: string
  signal: AbortSignal
  origin: string
}

export async function accessOf(io: PullIo): Promise<Access> {
  return { http: io.http, token: await io.token(), signal: io.signal, origin: originOf(io.variables) }
}

export function originOf(variables: PullIo['variables']): string {
  return variables['MEMORY_API_URL'] || 'http://memory.test'
}

/** `GET /me`: whose token it is. */
export async function getMe({ http, token, signal, origin }: Access): Promise<Me> {
  return (await fetchJson(http.fetch, new URL('/me', origin), { token, signal, service, schema: meSchema })).body
}

/** `GET /posts`: the person's posts, newest first; `before` and `after` are ids, `from` and `until` dates. */
export async function getPosts(access: Access, query: Record<'before' | 'after' | 'from' | 'until', string | null>) {
  return list(access, '/posts', query, postsSchema)
}

/** `GET /likes`: what the person liked, newest first, as opaque pages. */
export async function getLikes(access: Access, query: Record<'before' | 'after', string | null>) {
  return list(access, '/likes', query, likesSchema)
}

/** `GET /posts/:id`: whether it is still there. */
export async function hasPost({ http, token, signal, origin }: Access, id: string): Promise<boolean> {
  try {
    await fetchJson(http.fetch, new URL(`/posts/${encodeURIComponent(id)}`, origin), { token, signal, service })
    return true
  } catch (error) {
    if (kindOf(error) === 'not-found') return false
    throw error
  }
}

async function list<T>(access: Access, path: string, query: Record<string, string | null>, schema: z.ZodType<T>): Promise<T> {
  const { http, token, signal, origin } = access
  const url = new URL(path, origin)
  url.searchParams.set('limit', String(perPage))
  for (const [name, value] of Object.entries(query)) if (value !== null) url.searchParams.set(name, value)
  return (await fetchJson(http.fetch, url, { token, signal, service, schema })).body
}
