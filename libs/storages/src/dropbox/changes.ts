import { AshevilleError, kindOf, type Changes, type StorageIo } from '@asheville/core'
import { pathOf } from './address.ts'
import type { Client } from './client.ts'

/** As `Storage.changes`. https://www.dropbox.com/developers/documentation/http/documentation#files-list_folder-continue */
export async function changesSince({ call }: Client, since: string | null, signal: AbortSignal): Promise<Changes> {
  const whole = { path: '', recursive: true }
  const latest = async (): Promise<Changes> => {
    const { cursor } = await call(signal, (sdk, options) => sdk.filesListFolderGetLatestCursor(whole, options))
    return { paths: 'all', cursor }
  }
  if (since === null) return latest()
  try {
    const paths = new Set<string>()
    // Of a folder that is gone, what was in it is not told.
    let isFolderGone = false
    for (let cursor = since; ;) {
      const { entries, has_more, ...page } = await call(signal, (sdk, options) => sdk.filesListFolderContinue({ cursor }, options))
      for (const entry of entries) {
        if (entry['.tag'] !== 'folder') paths.add(pathOf(entry))
        isFolderGone ||= entry['.tag'] === 'deleted' && !hasExtension(pathOf(entry))
      }
      cursor = page.cursor
      if (!has_more) return { paths: isFolderGone ? 'all' : [...paths], cursor }
    }
  } catch (error) {
    // Reset, of a folder that was taken away, or no cursor of theirs: whichever, it is of no use any more.
    if (!['cursor-expired', 'not-found', 'invalid'].includes(kindOf(error))) throw error
    return latest()
  }
}

/** Seconds that may be asked for, and what Dropbox adds to them at random so that not all come back at once. */
const [shortest, longest, jitter] = [30, 480, 90]

/** When Dropbox wants to be waited on again, by account. */
const quietUntil = new Map<string, number>()

/** As `Storage.untilChange`. https://www.dropbox.com/developers/documentation/http/documentation#files-list_folder-longpoll */
export async function untilChange(
  { call }: Client,
  io: Pick<StorageIo, 'account' | 'now'>,
  cursor: string,
  maxMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const retryAfterMs = (quietUntil.get(io.account.id) ?? 0) - io.now().getTime()
  if (retryAfterMs > 0) throw new AshevilleError('rate-limited', 'Dropbox asks to wait', { retryAfterMs })
  quietUntil.delete(io.account.id)
  const timeout = Math.min(longest, Math.max(shortest, Math.floor(maxMs / 1000) - jitter))
  const enough = AbortSignal.timeout(maxMs)
  try {
    const { changes, backoff } = await call(AbortSignal.any([signal, enough]), (sdk, options) =>
      sdk.filesListFolderLongpoll({ cursor, timeout }, options),
    )
    if (backoff !== undefined) quietUntil.set(io.account.id, io.now().getTime() + backoff * 1000)
    return changes
  } catch (error) {
    if (kindOf(error) === 'cursor-expired') return true
    if (enough.aborted && !signal.aborted) return false
    throw error
  }
}

const hasExtension = (path: string): boolean => /\.[^/]+$/.test(path)
