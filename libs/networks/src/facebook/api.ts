import { AshevilleError, kindOf, throwIfAborted, type Fields, type LoginIo, type PullIo } from '@asheville/core'
import { fetchJson, isNotTheService, isUnknownHost, type JsonRequest } from '@asheville/http-client'
import { z } from 'zod'
import { refusalOf, UnknownFault } from './errors.ts'

/** The one place where it is pinned. A version is there for at least two years: https://developers.facebook.com/docs/graph-api/guides/versioning */
export const version = 'v25.0'
export const service = 'Facebook'

/** The most that posts are given at once; others keep to it. */
const perPage = 100
/** When that was too much for Graph. */
const fewerPerPage = 25

/** What says in a `paging.next` address where to go on. The address itself holds the access token and is never used. */
const markParameters = ['after', 'until', '__paging_token', 'offset', 'limit']

const pageSchema = z.object({ data: z.array(z.unknown()), paging: z.object({ next: z.string().optional() }).nullish() })
const profileSchema = z.object({ id: z.string().min(1), name: z.string() })
const permissionsSchema = z.object({ data: z.array(z.object({ permission: z.string(), status: z.string() })) })
const imagesSchema = z.object({ images: z.array(z.object({ source: z.string(), width: z.number() })).optional() })
const sourceSchema = z.object({ source: z.string().optional() })
const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.number().optional() })

/** One answer of a listing. `older`: the marks of the next one, as a query; null: there is none. */
export interface Answer {
  records: unknown[]
  older: string | null
  isShort: boolean
}

/** A listing of `me`, such as `posts`, with what each record of it should have. */
export interface Edge {
  path: string
  query: Readonly<Record<string, string>>
}

/** `GET /me`: whose token it is. The id is the person's within this app, and stays: https://developers.facebook.com/docs/graph-api/reference/user/ */
export async function getProfile(io: PullIo): Promise<z.infer<typeof profileSchema>> {
  return get(io, graphUrl(io.variables, 'me', { fields: 'id,name' }), profileSchema)
}

/** `GET /me/permissions`: what the person allowed, and has not taken back: https://developers.facebook.com/docs/graph-api/reference/user/permissions/ */
export async function getGranted(io: PullIo): Promise<Set<string>> {
  const { data } = await get(io, graphUrl(io.variables, 'me/permissions'), permissionsSchema)
  return new Set(data.filter(({ status }) => status === 'granted').map(({ permission }) => permission))
}

/**
 * One page of an edge, from the newest on. Filters of privacy may leave a page short or empty in the midst of a listing
 * (https://developers.facebook.com/docs/graph-api/results/); an empty one is passed over. Errors: `cursor-expired` when the marks are not
 * known any more.
 */
export async function list(io: PullIo, edge: Edge, before: string | null): Promise<Answer> {
  for (let marks = before; ;) {
    throwIfAborted(io.signal)
    const { data, paging } = await listOnce(io, edge, marks, perPage).catch((error: unknown) => {
      if (error instanceof UnknownFault) return listOnce(io, edge, marks, fewerPerPage)
      throw error
    })
    const older = paging?.next === undefined ? null : marksIn(paging.next)
    if (older !== null && older === marks) throw new AshevilleError('unavailable', 'Facebook’s listing goes on in a circle')
    if (data.length > 0 || older === null) return { records: data, older, isShort: data.length < perPage }
    marks = older
  }
}

async function listOnce(io: PullIo, { path, query }: Edge, marks: string | null, limit: number): Promise<z.infer<typeof pageSchema>> {
  const url = graphUrl(io.variables, `me/${path}`, { ...query, limit: String(limit) })
  for (const [name, value] of new URLSearchParams(marks ?? '')) if (name !== 'limit' || limit === perPage) url.searchParams.set(name, value)
  try {
    return await get(io, url, pageSchema)
  } catch (error) {
    if (marks === null || kindOf(error) !== 'invalid') throw error
    throw new AshevilleError('cursor-expired', 'Facebook does not know any more where this listing was left', { cause: error })
  }
}

/** Whether there is such a thing, for this person. Facebook says no in the same words when the permission is missing: ask for that first. */
export async function has(io: PullIo, id: string): Promise<boolean> {
  try {
    await get(io, graphUrl(io.variables, id, { fields: 'id' }), z.unknown())
    return true
  } catch (error) {
    if (kindOf(error) === 'not-found') return false
    throw error
  }
}

/** `GET /me/likes?target_id=`: whether the person likes this page: https://developers.facebook.com/docs/graph-api/reference/user/likes/ */
export async function hasLike(io: PullIo, pageId: string): Promise<boolean> {
  const { data } = await get(io, graphUrl(io.variables, 'me/likes', { target_id: pageId, fields: 'id' }), pageSchema)
  return data.length > 0
}

/**
 * Where the bytes of a photo, in the largest size, or of a video are for now. Either may be read with `user_posts` too. Null: Facebook does not
 * give them, as with music that is not the person's: https://developers.facebook.com/docs/graph-api/reference/photo/ and …/video
 */
export async function getFileAddress(io: PullIo, id: string, kind: 'image' | 'video'): Promise<string | null> {
  if (kind === 'video') return (await get(io, graphUrl(io.variables, id, { fields: 'source' }), sourceSchema)).source ?? null
  const { images = [] } = await get(io, graphUrl(io.variables, id, { fields: 'images' }), imagesSchema)
  return largest(images)?.source ?? null
}

/** The widest of a photo's representations. */
export function largest<T extends { width: number }>(images: readonly T[]): T | undefined {
  return images.toSorted((one, other) => other.width - one.width)[0]
}

/** `POST /oauth/access_token` with `fb_exchange_token`: a token that lasts, for one that is still good. Everything is in the body. */
export async function exchangeToken(io: LoginIo, form: Record<string, string | undefined>): Promise<z.infer<typeof tokenSchema>> {
  const url = graphUrl(io.variables, 'oauth/access_token')
  return ask(io, url, { method: 'POST', form: { grant_type: 'fb_exchange_token', ...form }, schema: tokenSchema })
}

/** `DELETE /me/permissions`: ends all that the person allowed. */
export async function deletePermissions(io: LoginIo, token: string): Promise<void> {
  await ask(io, graphUrl(io.variables, 'me/permissions'), { method: 'DELETE', token })
}

export function graphUrl(variables: Fields, path: string, query: Readonly<Record<string, string>> = {}): URL {
  const url = new URL(`/${version}/${path}`, variables['FACEBOOK_API_URL'] || 'https://graph.facebook.com')
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return url
}

async function get<T>(io: PullIo, url: URL, schema: z.ZodType<T>): Promise<T> {
  return ask(io, url, { token: await io.token(), schema })
}

/** A page instead of JSON, or no such host: nobody named the wrong server, it is down. */
async function ask<T>(io: Pick<LoginIo, 'http' | 'signal'>, url: URL, request: Partial<JsonRequest<T>>): Promise<T> {
  try {
    return (await fetchJson(io.http.fetch, url, { ...request, signal: io.signal, service, errorOf: refusalOf })).body
  } catch (error) {
    if (!isNotTheService(error) && !isUnknownHost(error)) throw error
    throw new AshevilleError('unavailable', 'Facebook does not answer as it should at the moment', { cause: error })
  }
}

function marksIn(next: string): string {
  const given = URL.parse(next)?.searchParams
  const marks = markParameters.flatMap((name) => (given?.has(name) ? [[name, given.get(name)!]] : []))
  if (!marks.some(([name]) => name !== 'limit')) throw new AshevilleError('unavailable', 'Facebook goes on in a way that is not known')
  return new URLSearchParams(marks).toString()
}
