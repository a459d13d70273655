import { Readable, Transform } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { ReadableStream } from 'node:stream/web'
import type { Client, MediaState, platformRoutes } from '@asheville/clients'
import { retryAfterHeaderMs } from '@asheville/http-client'
import { AshevilleError, fewAtOnce, kindOf, throwIfAborted, type Http, type MediaSource, type Network, type PullIo } from '@asheville/core'
import { faultOfStorage, ofStorage } from './of-storage.ts'
import type { Target } from './pull-parts.ts'

export interface MediaLimits {
  atOnce: number
  /** A file larger than this is not copied. */
  bytes: number
  /** Without a byte for so long, it is given up for now. */
  idleMs: number
  /** However fast it flows, it ends after so long. */
  totalMs: number
  /** A host that failed so often in a row is left alone for the rest of the slice. */
  failuresPerHost: number
}

export const defaultMediaLimits: MediaLimits = {
  atOnce: 4,
  bytes: 4 * 1024 ** 3,
  idleMs: 30_000,
  totalMs: 15 * 60_000,
  failuresPerHost: 3,
}

/** A source with what decides its folder. */
export interface WantedMedia {
  source: MediaSource
  at: string | null
}

export interface MediaTransfer {
  /**
   * What becomes of each source, by its url: stored, or `pending` / `gone` with the reason. Only what is wrong with us or
   * with the storage throws (`storage-full`, `unavailable`, `conflict` …), and `rate-limited`; a file that cannot be had never does.
   */
  transfer(wanted: readonly WantedMedia[]): Promise<Record<string, MediaState>>
}

interface Parts {
  network: Network
  platform: Pick<Client<typeof platformRoutes>, 'findMedia' | 'putMedia'>
  io: PullIo
  /** For files of which the adapter does not say how they are had: they count against no budget. */
  http: Http
  target: Target
  limits: MediaLimits
  check(): void
  /** A file is stored that was not there before. */
  onStored(): void
}

/** Copies files from a network to the person's storage, several at once, as streams. */
export function createMediaTransfer(parts: Parts): MediaTransfer {
  const failuresByHost = new Map<string, number>()

  const transferOne = async ({ source, at }: WantedMedia): Promise<Tried> => {
    const host = hostOf(source.url)
    if ((failuresByHost.get(host) ?? 0) >= parts.limits.failuresPerHost) return { ...pending(`${host} does not answer`), fault: 'late' }
    const tried = await copyWhenAllowed(parts, source, at)
    // A file that comes, but not whole, says nothing against the next one.
    if (tried.fault === 'host' || tried.fault === 'late') failuresByHost.set(host, (failuresByHost.get(host) ?? 0) + 1)
    else failuresByHost.delete(host)
    return tried
  }

  return {
    async transfer(wanted) {
      const byUrl = new Map(wanted.map((media) => [media.source.url, media]))
      const states = await findStored(parts, [...byUrl.keys()])
      const tryAll = async (some: readonly WantedMedia[]): Promise<WantedMedia[]> => {
        const again: WantedMedia[] = []
        await fewAtOnce(parts.limits.atOnce, some, async (media) => {
          parts.check()
          const { fault, waitMs: _, ...state } = await transferOne(media)
          states[media.source.url] = state
          if (fault === 'file' || fault === 'host') again.push(media)
        })
        return again
      }
      let open = await tryAll([...byUrl.values()].filter((media) => states[media.source.url] === undefined))
      for (const pauseMs of pausesMs) {
        if (open.length === 0) break
        await pause(pauseMs, undefined, { signal: parts.io.signal }).catch(() => undefined)
        open = await tryAll(open)
      }
      return states
    },
  }
}

/** What came of a try, and whose fault it is: the file came but not whole, the host failed, or took its whole time; or how long it asks to wait. */
type Tried = MediaState & { fault?: 'file' | 'host' | 'late'; waitMs?: number }

/** What broke off is tried again at once, a few times: its item may not come by again for long. */
const pausesMs = [300, 2000]
/** A longer wait than this, or more waits, are for a later sync. */
const longestWaitMs = 5000
const mostWaits = 3

/** Few enough for one call, however long addresses are. */
const urlsAtOnce = 200

/** Asked in bounded portions. What is pending is tried again now that its item came by. */
async function findStored({ platform, target, io }: Parts, urls: string[]): Promise<Record<string, MediaState>> {
  const states: Record<string, MediaState> = {}
  for (let start = 0; start < urls.length; start += urlsAtOnce) {
    const body = { storageId: target.storageId, urls: urls.slice(start, start + urlsAtOnce) }
    const { found } = await ofStorage(platform.findMedia({ ...target.context, signal: io.signal, body }))
    for (const [url, state] of Object.entries(found)) if (state.state !== 'pending') states[url] = state
  }
  return states
}

/** A host that asks to wait for a moment is waited for. */
async function copyWhenAllowed(parts: Parts, source: MediaSource, at: string | null): Promise<Tried> {
  for (let waits = 0; ; waits += 1) {
    const tried = await copy(parts, source, at)
    if (tried.waitMs === undefined || tried.waitMs > longestWaitMs || waits === mostWaits) return tried
    await pause(tried.waitMs, undefined, { signal: parts.io.signal }).catch(() => undefined)
  }
}

async function copy(parts: Parts, source: MediaSource, at: string | null): Promise<Tried> {
  const deadline = createDeadline(parts.limits)
  const signal = AbortSignal.any([parts.io.signal, deadline.signal])
  /** What went wrong on the network's side, as opposed to ours. */
  let fault: unknown = null
  let isOpened = false
  try {
    const opened = await open(parts, source, signal).catch((error: unknown) => {
      fault = error
      throw error
    })
    isOpened = true
    const counted = countBytes(opened, parts.limits, deadline.progress)
    counted.on('error', (error) => (fault ??= error))
    const { target } = parts
    const { isNew, ...stored } = await parts.platform.putMedia({
      ...target.context,
      query: {
        storageId: target.storageId,
        connectionId: target.connectionId,
        stream: target.stream,
        fence: target.fence,
        source: source.url,
        mediaType: source.mediaType ?? opened.mediaType,
        at: at ?? undefined,
        bytes: opened.bytes,
      },
      body: counted,
      contentLength: opened.bytes,
      signal,
    })
    if (isNew) parts.onStored()
    return { state: 'stored', ...stored }
  } catch (error) {
    throwIfAborted(parts.io.signal)
    if (deadline.signal.aborted) return { ...pending('It took too long'), fault: 'late' }
    // The network itself allows no more: all wait. A host of files that asks to wait holds up no post.
    if (parts.network.openMedia && kindOf(fault) === 'rate-limited') throw fault
    if (fault !== null) return triedOf(fault, isOpened)
    // What arrived is not the whole file.
    if (error instanceof AshevilleError && error.kind === 'invalid') return { ...pending(error.message), fault: 'file' }
    throw faultOfStorage(error)
  } finally {
    deadline.clear()
  }
}

interface Opened {
  body: Readable
  bytes: number | undefined
  mediaType: string | undefined
}

async function open({ network, io, http }: Parts, source: MediaSource, signal: AbortSignal): Promise<Opened> {
  if (network.openMedia) return { body: await network.openMedia(source, { ...io, signal }), bytes: undefined, mediaType: undefined }
  const address = network.locateMedia ? await network.locateMedia(source, { ...io, signal }) : source.url
  const response = await http.fetch(address, { signal, headers: { 'accept-encoding': 'identity' } })
  if (!response.ok || response.body === null) {
    await response.body?.cancel()
    const retryAfterMs = retryAfterHeaderMs(response.headers, Date.now())
    if (response.status === 429 || retryAfterMs !== undefined)
      throw new AshevilleError('rate-limited', `${hostOf(source.url)} asks to wait`, { retryAfterMs })
    throw new AshevilleError(kindOfStatus(response.status), `The server answered ${response.status}`)
  }
  const mediaType = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (mediaType === 'text/html' && source.kind !== 'document') {
    await response.body.cancel()
    throw new AshevilleError('unavailable', 'The server answered with a page instead of the file')
  }
  const length = response.headers.get('content-length')
  const isAsSent = response.headers.get('content-encoding') === null && length !== null && /^\d{1,15}$/.test(length)
  return { body: Readable.fromWeb(response.body as ReadableStream), bytes: isAsSent ? Number(length) : undefined, mediaType }
}

/** Passes the bytes on, tells of progress, and fails as soon as they are more than allowed. */
function countBytes(opened: Opened, limits: MediaLimits, progress: () => void): Readable {
  let bytes = 0
  const tooLarge = () => new AshevilleError('not-found', `It is larger than ${Math.floor(limits.bytes / 1024 ** 2)} MiB`)
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      progress()
      if (bytes > limits.bytes) done(tooLarge())
      else done(null, chunk)
    },
  })
  if (opened.bytes !== undefined && opened.bytes > limits.bytes) counter.destroy(tooLarge())
  opened.body.on('error', (error) => counter.destroy(error))
  counter.on('close', () => opened.body.destroy())
  return opened.body.pipe(counter)
}

function createDeadline({ idleMs, totalMs }: MediaLimits): { signal: AbortSignal; progress(): void; clear(): void } {
  const controller = new AbortController()
  const abort = () => controller.abort(new AshevilleError('unavailable', 'It took too long'))
  const total = setTimeout(abort, totalMs)
  const idle = setTimeout(abort, idleMs)
  return {
    signal: controller.signal,
    progress: () => idle.refresh(),
    clear() {
      clearTimeout(total)
      clearTimeout(idle)
    },
  }
}

function triedOf(error: unknown, isOpened: boolean): Tried {
  const fault = isOpened ? 'file' : 'host'
  if (!(error instanceof AshevilleError)) return { ...pending('The transfer broke off'), fault }
  if (error.kind === 'rate-limited') return { ...pending(error.message), waitMs: error.retryAfterMs ?? Infinity }
  return error.kind === 'not-found' ? { state: 'gone', reason: error.message } : { ...pending(error.message), fault }
}

const pending = (reason: string) => ({ state: 'pending', reason }) as const

const kindOfStatus = (status: number) => (status === 404 || status === 410 ? 'not-found' : 'unavailable')

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'The server'
}
