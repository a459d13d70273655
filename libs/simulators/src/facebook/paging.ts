import { errors } from './errors.ts'
import type { Thing } from './records.ts'

const defaultLimit = 25
const maxLimit = 100

/** `items` have their place in the page; some of them may not be shown. `next` and `previous` are parameters. */
export type ListPage<T> = {
  items: T[]
  next: Record<string, string> | null
  previous: Record<string, string> | null
  cursors?: { before: string; after: string }
}

/** How many a page has: 25 unless asked, never over 100. */
export function limitOf(parameters: URLSearchParams): number {
  const given = parameters.get('limit')
  if (given === null || given === '') return defaultLimit
  if (!/^\d{1,9}$/.test(given)) throw errors.badParameter('Param limit must be an integer')
  return Math.min(Number(given), maxLimit)
}

/** Cursors are of no use to others, nor for long: they name an object, and a generation that tests can end. */
export function createCursors() {
  let generation = 1
  const make = (id: string) => Buffer.from(`${generation}:${id}`).toString('base64url')
  const read = (cursor: string): string => {
    const [, made, id] = /^(\d+):(.+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
    if (Number(made) !== generation) throw errors.badCursor()
    return id!
  }
  return {
    /** A page of a list, newest first; throws when the object that a cursor names is no more in it. */
    page<T extends Thing>(list: readonly T[], parameters: URLSearchParams): ListPage<T> {
      const limit = limitOf(parameters)
      const place = (name: string) => {
        const cursor = parameters.get(name)
        if (cursor === null || cursor === '') return null
        const id = read(cursor)
        const at = list.findIndex((one) => one.id === id)
        if (at < 0) throw errors.badCursor()
        return at
      }
      const [after, before] = [place('after'), place('before')]
      const start = after !== null ? after + 1 : before !== null ? Math.max(0, before - limit) : 0
      const end = before !== null && after === null ? before : start + limit
      const items = list.slice(start, end)
      const [first, last] = [items[0], items.at(-1)]
      if (!first || !last) return { items, next: null, previous: null }
      const cursors = { before: make(first.id), after: make(last.id) }
      return {
        items,
        cursors,
        next: start + items.length < list.length ? { after: cursors.after } : null,
        previous: start > 0 ? { before: cursors.before } : null,
      }
    },
    expireAll: () => void generation++,
  }
}
export type Cursors = ReturnType<typeof createCursors>

/**
 * A page of a list, newest first, by time: `since` and `until` in whole seconds, both included; `__paging_token` says where exactly a page ended.
 * There is a next page as long as this one has anything; the last one is empty.
 */
export function timePage<T extends Thing>(list: readonly T[], parameters: URLSearchParams): ListPage<T> {
  const limit = limitOf(parameters)
  const token = readToken(parameters.get('__paging_token'))
  const isPrevious = parameters.get('__previous') === '1'
  const [since, until] = [secondsOf(parameters, 'since'), secondsOf(parameters, 'until')]
  const isOlder = (one: T) => one.createdMs < token!.ms || (one.createdMs === token!.ms && one.order < token!.order)
  const isNewer = (one: T) => one.createdMs > token!.ms || (one.createdMs === token!.ms && one.order > token!.order)
  const wanted = list.filter((one) => {
    const second = Math.floor(one.createdMs / 1000)
    if (since !== null && second < since) return false
    if (until !== null && second > until) return false
    return token === null || (isPrevious ? isNewer(one) : isOlder(one))
  })
  const items = isPrevious ? wanted.slice(Math.max(0, wanted.length - limit)) : wanted.slice(0, limit)
  const [first, last] = [items[0], items.at(-1)]
  if (!first || !last) return { items, next: null, previous: null }
  const second = (one: T) => String(Math.floor(one.createdMs / 1000))
  const kept: Record<string, string> = since !== null && !isPrevious ? { since: String(since) } : {}
  return {
    items,
    next: { ...kept, until: second(last), __paging_token: makeToken(last) },
    previous: { since: second(first), __paging_token: makeToken(first), __previous: '1' },
  }
}

const makeToken = ({ createdMs, order }: Thing) => `enc_${Buffer.from(`${createdMs}:${order}`).toString('base64url')}`
function readToken(token: string | null): { ms: number; order: number } | null {
  if (token === null || token === '') return null
  const [, ms, order] = /^(\d+):(\d+)$/.exec(Buffer.from(token.slice(4), 'base64url').toString()) ?? []
  if (!token.startsWith('enc_') || ms === undefined) throw errors.badCursor()
  return { ms: Number(ms), order: Number(order) }
}
function secondsOf(parameters: URLSearchParams, name: string): number | null {
  const given = parameters.get(name)
  if (given === null || given === '') return null
  const ms = /^\d+$/.test(given) ? Number(given) * 1000 : Date.parse(given)
  if (Number.isNaN(ms)) throw errors.badParameter(`Param ${name} must be a unix timestamp or a time that strtotime understands`)
  return Math.floor(ms / 1000)
}
