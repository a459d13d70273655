import { BadArgument, anything, flag, folderPath, integer, nullable, optional, readPath, required, struct, text } from './arguments.ts'
import { hasNews, isUprooted, pageAfter } from './cursors.ts'
import type { Cursor } from './cursors.ts'
import { readRpcArgument } from './endpoint.ts'
import { EndpointError, Refusal, badCall, errorBody } from './errors.ts'
import { folderIsThere, folderKeyAt, lookUp } from './lookup.ts'
import { deletedMetadata, taggedMetadata } from './metadata.ts'
import { parsePath } from './paths.ts'
import type { RouteParts } from './routes.ts'
import type { Place } from './world.ts'

const scope = 'files.metadata.read'
const listArg = struct({
  path: required(folderPath),
  recursive: optional(flag, false),
  include_media_info: optional(flag, false),
  include_deleted: optional(flag, false),
  include_has_explicit_shared_members: optional(flag, false),
  include_mounted_folders: optional(flag, true),
  limit: nullable(integer(1, 2000)),
  shared_link: nullable(anything),
  include_property_groups: nullable(anything),
  include_non_downloadable_files: optional(flag, true),
  include_restorable_info: optional(flag, false),
})
const cursorArg = struct({ cursor: required(text()) })

const metadataArg = struct({
  path: required(readPath),
  include_media_info: optional(flag, false),
  include_deleted: optional(flag, false),
  include_has_explicit_shared_members: optional(flag, false),
  include_property_groups: nullable(anything),
})

/** Metadata, listing and the changes since. */
export function addListingRoutes({ endpoint, add, cursors, places, settings, now, counters }: RouteParts): void {
  endpoint({
    name: 'files/get_metadata',
    style: 'rpc',
    scope,
    read: metadataArg,
    run: ({ place, arg }) => {
      const result = lookUp(place, arg.path)
      if ('node' in result) return taggedMetadata(place.tree, result.node)
      const gone = arg.include_deleted ? removalOf(place, arg.path) : null
      if (gone) return deletedMetadata(gone)
      throw new EndpointError({ '.tag': 'path', path: result.fault })
    },
  })

  function startOf(place: Place, arg: ReturnType<typeof listArg>): Cursor {
    return {
      account: place.account.id,
      folder: folderKeyAt(place, arg.path),
      recursive: arg.recursive,
      deleted: arg.include_deleted,
      limit: arg.limit ?? settings.pageSize,
      after: '',
      since: place.tree.changeCount(),
      epoch: place.epoch,
    }
  }
  const answerOf = (place: Place, cursor: Cursor) => {
    const page = pageAfter(place.tree, cursor)
    return { entries: page.entries, cursor: cursors.write(page.cursor), has_more: page.has_more }
  }

  endpoint({
    name: 'files/list_folder',
    style: 'rpc',
    scope,
    read: listArg,
    run: ({ place, arg }) => answerOf(place, startOf(place, arg)),
  })
  endpoint({
    name: 'files/list_folder/get_latest_cursor',
    style: 'rpc',
    scope,
    read: listArg,
    run: ({ place, arg }) => ({ cursor: cursors.write({ ...startOf(place, arg), after: null }) }),
  })
  endpoint({
    name: 'files/list_folder/continue',
    style: 'rpc',
    scope,
    read: cursorArg,
    run: ({ place, arg }) => {
      const cursor = cursors.read(arg.cursor)
      if (cursor?.account !== place.account.id) throw new Refusal(badCursor('files/list_folder/continue'))
      if (!folderIsThere(place, cursor.folder)) throw new EndpointError({ '.tag': 'path', path: { '.tag': 'not_found' } })
      if (cursor.epoch !== place.epoch || isUprooted(place.tree, cursor)) throw new EndpointError({ '.tag': 'reset' })
      return answerOf(place, cursor)
    },
  })

  const longpollArg = struct({ cursor: required(text()), timeout: optional(integer(30, 480), 30) })
  add('POST', '/2/files/list_folder/longpoll', async (call) => {
    const name = 'files/list_folder/longpoll'
    if (call.headers.authorization !== undefined)
      return badCall(name, 'Your request includes an Authorization header, but this function does not use it.')
    try {
      const arg = readRpcArgument(name, longpollArg, call)
      const cursor = cursors.read(arg.cursor)
      const place = places.find(({ account }) => account.id === cursor?.account)
      if (!cursor || !place) return badCursor(name)
      if (cursor.epoch !== place.epoch) return { status: 409, json: errorBody({ '.tag': 'reset' }) }
      const { backoff } = place
      if (now() < backoff.until) counters().add('longpollsBeforeBackoff')
      const changes = await changesWithin(place, cursor, settings.longpollMs ?? arg.timeout * 1000, call.signal)
      backoff.until = now() + (backoff.seconds ?? 0) * 1000
      return { json: { changes, ...(backoff.seconds !== null && { backoff: backoff.seconds }) } }
    } catch (error) {
      if (error instanceof Refusal) return error.answer
      if (error instanceof BadArgument) return badCall(name, `request body: ${error.message}`)
      throw error
    }
  })
}

/** Whether there is news for a cursor before the time is over; at once when there is already. */
async function changesWithin(place: Place, cursor: Cursor, ms: number, signal: AbortSignal): Promise<boolean> {
  if (hasNews(place.tree, cursor)) return true
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), ms)
  const stop = place.tree.onChange(() => hasNews(place.tree, cursor) && resolve(true))
  const leave = () => resolve(false)
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    stop()
    signal.removeEventListener('abort', leave)
  }
}

function removalOf({ tree }: Place, given: string) {
  const key = parsePath(given)?.key
  return tree.deleted('', true).find((change) => change.key === key) ?? null
}

function badCursor(name: string) {
  return badCall(name, 'request body: cursor: Invalid "cursor" parameter.')
}
