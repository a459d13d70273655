import type { Readable } from 'node:stream'
import { AshevilleError, kindOf, type MediaSource, type PullIo } from '@asheville/core'
import { errorOfResponse, streamBody } from '@asheville/http-client'
import { z } from 'zod'
import { getFileAddress, service } from './api.ts'
import { addressOf, idIn } from './addresses.ts'

/**
 * The addresses of files are signed, other ones in each listing, and they end. So a file is named after its photo or video, and what the
 * listing said goes along for as long as it is fresh. `isBest`: there is no larger one.
 */
const freshSchema = z.object({ address: z.url(), isBest: z.boolean() })
type Fresh = z.infer<typeof freshSchema>

/** The file of a photo or video. */
export function sourceOf(id: string, kind: 'image' | 'video', fresh: Fresh | null): MediaSource {
  return { url: addressOf(id), kind, ...(fresh && { fresh: JSON.stringify(fresh) }) }
}

/** From the listing where it had the best; else Facebook is asked where the file is now. A smaller one is better than none. */
export async function openMedia(source: MediaSource, io: PullIo): Promise<Readable> {
  const fresh = source.fresh === undefined ? null : freshSchema.parse(JSON.parse(source.fresh))
  if (fresh?.isBest) {
    const opened = await open(fresh.address, io).catch((error: unknown) => {
      if (kindOf(error) === 'not-found') return null
      throw error
    })
    if (opened) return opened
  }
  const current = await currentAddress(source, io).catch((error: unknown) => {
    if (fresh && !fresh.isBest && kindOf(error) === 'not-found') return fresh.address
    throw error
  })
  return open(current, io)
}

async function currentAddress({ url, kind }: MediaSource, io: PullIo): Promise<string> {
  const address = await getFileAddress(io, idIn(url), kind === 'video' ? 'video' : 'image')
  if (address === null) throw new AshevilleError('not-found', 'Facebook does not hand this file out')
  return address
}

/** `not-found` also where the address is not valid any more. */
async function open(address: string, io: PullIo): Promise<Readable> {
  const response = await io.http.fetch(address, { signal: io.signal, headers: { 'accept-encoding': 'identity' } })
  if (response.status === 403) {
    await response.body?.cancel()
    throw new AshevilleError('not-found', 'The address of this file is not valid any more')
  }
  if (!response.ok) throw errorOfResponse(response, { service })
  if (/\bhtml\b/i.test(response.headers.get('content-type') ?? '')) {
    await response.body?.cancel()
    throw new AshevilleError('unavailable', 'Facebook answered with a page instead of the file')
  }
  return streamBody(response, { service })
}
