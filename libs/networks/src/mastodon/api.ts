import { AshevilleError, kindOf, type PullIo } from '@asheville/core'
import { fetchJson, isNotTheService, isUnknownHost } from '@asheville/http-client'
import { z } from 'zod'

const service = 'Mastodon'
/** The most that these endpoints give at once: https://docs.joinmastodon.org/methods/accounts/ */
const statusesPerPage = 40
const accountsPerPage = 80

const text = z.string().nullish()
const count = z.number().nullish()

/** https://docs.joinmastodon.org/entities/Account/ */
export const accountSchema = z.object({
  id: z.string().min(1),
  username: z.string(),
  acct: z.string(),
  display_name: text,
  url: z.string(),
  bot: z.boolean().nullish(),
  group: z.boolean().nullish(),
})
export type Account = z.infer<typeof accountSchema>

/** https://docs.joinmastodon.org/entities/MediaAttachment/ */
const attachmentSchema = z.object({
  type: z.string(),
  url: text,
  remote_url: text,
  description: text,
  blurhash: text,
  meta: z
    .object({
      focus: z.object({ x: z.number(), y: z.number() }).nullish(),
      original: z.object({ width: count, height: count, duration: count }).nullish(),
    })
    .nullish()
    .catch(null),
})
export type Attachment = z.infer<typeof attachmentSchema>

const pollSchema = z.object({
  expires_at: text,
  multiple: z.boolean(),
  options: z.array(z.object({ title: z.string(), votes_count: count })),
})
export type Poll = z.infer<typeof pollSchema>

const plainStatusSchema = z.object({
  id: z.string().min(1),
  uri: z.string().min(1),
  url: text,
  created_at: z.string(),
  edited_at: text,
  in_reply_to_id: text,
  in_reply_to_account_id: text,
  sensitive: z.boolean().nullish(),
  spoiler_text: text,
  visibility: z.string(),
  language: text,
  content: z.string(),
  replies_count: count,
  reblogs_count: count,
  favourites_count: count,
  account: accountSchema,
  media_attachments: z.array(attachmentSchema),
  mentions: z.array(z.object({ acct: z.string(), url: z.string() })),
  tags: z.array(z.object({ name: z.string(), url: z.string() })),
  poll: pollSchema.nullish(),
  card: z.object({ url: z.string(), title: text, description: text }).nullish().catch(null),
  quote: z
    .object({ quoted_status: z.object({ uri: z.string(), url: text }).nullish() })
    .nullish()
    .catch(null),
})

/** https://docs.joinmastodon.org/entities/Status/ */
export const statusSchema = plainStatusSchema.extend({ reblog: plainStatusSchema.nullish() })
export type Status = z.infer<typeof statusSchema>
export type PlainStatus = z.infer<typeof plainStatusSchema>

/** One answer of a listing. `older` is from the `Link` header (https://docs.joinmastodon.org/api/guidelines/#pagination). */
export interface Answer {
  records: unknown[]
  older: string | null
  isShort: boolean
}

interface Marks {
  before: string | null
  after: string | null
}

/** `GET /api/v1/accounts/:id/statuses`: all that the person wrote, answered and boosted, whatever its visibility. */
export function getStatuses(io: PullIo, marks: Marks): Promise<Answer> {
  return list(io, `/api/v1/accounts/${encodeURIComponent(localIdOf(io))}/statuses`, statusesPerPage, marks)
}

/** `GET /api/v1/favourites` and `/api/v1/bookmarks`: statuses, in the order in which they were marked. */
export function getMarked(io: PullIo, kind: 'favourites' | 'bookmarks', marks: Marks): Promise<Answer> {
  return list(io, `/api/v1/${kind}`, statusesPerPage, marks)
}

/** `GET /api/v1/accounts/:id/following`: accounts, in the order in which they were followed. */
export function getFollowing(io: PullIo, marks: Marks): Promise<Answer> {
  return list(io, `/api/v1/accounts/${encodeURIComponent(localIdOf(io))}/following`, accountsPerPage, marks)
}

/** `GET /api/v1/statuses/:id`: whether it is still there. */
export async function hasStatus(io: PullIo, id: string): Promise<boolean> {
  try {
    await get(io, new URL(`/api/v1/statuses/${encodeURIComponent(id)}`, serverOf(io)))
    return true
  } catch (error) {
    if (kindOf(error) === 'not-found') return false
    throw error
  }
}

/** `GET /api/v1/accounts/verify_credentials`: whose token it is. */
export async function getOwnAccount(io: PullIo): Promise<Account> {
  const { body } = await get(io, new URL('/api/v1/accounts/verify_credentials', serverOf(io)))
  const parsed = accountSchema.safeParse(body)
  if (!parsed.success) throw new AshevilleError('unavailable', `${hostOf(io)} does not answer like a Mastodon server`)
  return parsed.data
}

export function serverOf({ server }: PullIo): string {
  if (server === null) throw new AshevilleError('invalid', 'This Mastodon connection has no server')
  return server
}

export function hostOf(io: PullIo): string {
  return new URL(serverOf(io)).host
}

/** The account's id on its server; our id of it has the server's name behind. */
function localIdOf({ account }: PullIo): string {
  return account.id.slice(0, account.id.lastIndexOf('@'))
}

async function list(io: PullIo, path: string, limit: number, { before, after }: Marks): Promise<Answer> {
  const url = new URL(path, serverOf(io))
  url.searchParams.set('limit', String(limit))
  if (before !== null) url.searchParams.set('max_id', before)
  if (after !== null) url.searchParams.set('since_id', after)
  try {
    const { body, headers } = await get(io, url)
    if (!Array.isArray(body)) throw new AshevilleError('unavailable', `${hostOf(io)} does not answer like a Mastodon server`)
    return { records: body, older: markIn(headers.get('link')), isShort: body.length < limit }
  } catch (error) {
    if (kindOf(error) !== 'not-found') throw error
    throw new AshevilleError('invalid', `${hostOf(io)} does not have this account any more`, { cause: error })
  }
}

/** While pulling, a server that answers with a page or not at all is down for a while; nobody chose the wrong one. */
async function get(io: PullIo, url: URL): Promise<{ body: unknown; headers: Headers }> {
  try {
    return await fetchJson(io.http.fetch, url, { token: await io.token(), signal: io.signal, service, errorOf: refusalOf(url) })
  } catch (error) {
    if (!isNotTheService(error) && !isUnknownHost(error)) throw error
    throw new AshevilleError('unavailable', `${url.host} does not answer like a Mastodon server at the moment`, { cause: error })
  }
}

/** 403: the account is suspended, unconfirmed or limited, or the grant lacks a scope; only the person can mend it, over there. */
function refusalOf({ host }: URL) {
  return ({ status }: { status: number }): AshevilleError | null =>
    status === 403
      ? new AshevilleError('reconnect-required', `${host} refuses access to this account. Sign in there to see why, then connect it again`)
      : null
}

/** Only the mark is taken from the `next` link: its address could lead anywhere. */
function markIn(header: string | null): string | null {
  const next = (header ?? '').split(/,\s*(?=<)/).find((link) => /;\s*rel="?next"?/i.test(link))
  const address = next === undefined ? undefined : /<([^>]*)>/.exec(next)?.[1]
  const url = address === undefined ? null : URL.parse(address, 'https://mastodon.invalid')
  return url?.searchParams.get('max_id') ?? null
}
