import { AshevilleError, kindOf, type Http, type MediaSource, type PullIo, type Stream } from '@asheville/core'
import { z } from 'zod'
import { getFileAddress } from './api.ts'
import { addressOf, idIn } from './addresses.ts'

/**
 * The addresses of files are signed, other ones in each listing, and they end. So a file is named after its photo or video, and what the
 * listing said goes along for as long as it is fresh. `isBest`: there is no larger one.
 */
const freshSchema = z.object({ address: z.url(), isBest: z.boolean() })
type Fresh = z.infer<typeof freshSchema>
type Walks = Pick<Stream, 'plan' | 'pages'>

/** The file of a photo or video. */
export function sourceOf(id: string, kind: 'image' | 'video', fresh: Fresh | null): MediaSource {
  return { url: addressOf(id), kind, ...(fresh && { fresh: JSON.stringify(fresh) }) }
}

/** As a listing had it that had the best; else as Facebook says when it is asked. A smaller one is better than none. */
export async function locateMedia(source: MediaSource, io: PullIo): Promise<string> {
  const fresh = source.fresh === undefined ? null : freshOf(source.fresh)
  if (fresh?.isBest) return fresh.address
  const known = listed.get(io.http.agent)?.get(keyOf(io, source.url))
  if (known && io.now().getTime() - known.listedMs < listedForMs) return known.address
  try {
    const address = await getFileAddress(io, idIn(source.url), source.kind === 'video' ? 'video' : 'image')
    if (address !== null) return address
    throw new AshevilleError('not-found', 'Facebook does not hand this file out')
  } catch (error) {
    if (fresh === null || kindOf(error) !== 'not-found') throw error
    return fresh.address
  }
}

/**
 * Addresses of the largest files as listings told them, by account and name of the file, and apart for each HTTP client: what `photos` has listed,
 * `posts` need not ask about picture by picture. Addresses last for days.
 */
const listed = new WeakMap<Http['agent'], Map<string, { address: string; listedMs: number }>>()
const mostListed = 5000
const listedForMs = 30 * 60_000

const keyOf = ({ account }: PullIo, url: string) => `${account.id} ${url}`

/** Walks whose pages leave the addresses of their files to the other streams. */
export function sharingFiles({ plan, pages }: Walks): Walks {
  return {
    plan,
    async *pages(walk, io) {
      for await (const page of pages(walk, io)) {
        for (const source of page.items.flatMap(({ media }) => media)) note(source, io)
        yield page
      }
    },
  }
}

function note({ url, fresh }: MediaSource, io: PullIo): void {
  const known = fresh === undefined ? null : freshOf(fresh)
  if (!known?.isBest) return
  const files = listed.get(io.http.agent) ?? new Map<string, { address: string; listedMs: number }>()
  listed.set(io.http.agent, files)
  files.set(keyOf(io, url), { address: known.address, listedMs: io.now().getTime() })
  const [oldest] = files.keys()
  if (files.size > mostListed && oldest !== undefined) files.delete(oldest)
}

function freshOf(text: string): Fresh {
  return freshSchema.parse(JSON.parse(text))
}
