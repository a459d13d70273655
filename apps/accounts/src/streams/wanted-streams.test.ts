import { describe, expect, test } from '@jest/globals'
import type { ContentType, Stream } from '@asheville/core'
import { wantedStreams, widenedStreams } from './wanted-streams.ts'

const stream = (name: string, ...contentTypes: ContentType[]): Stream => ({
  name,
  version: 1,
  contentTypes,
  plan: () => Promise.resolve([]),
  pages: () => {
    throw new Error('not pulled here')
  },
})
const network = {
  streams: [stream('statuses', 'posts', 'photos'), { ...stream('likes', 'likes'), scopes: ['tweet.read', 'like.read'] }],
}
const names = (streams: Stream[]) => streams.map(({ name }) => name)

describe('wanted streams', () => {
  const wanted = (contentTypes: ContentType[] | null, declined: string[] = [], clearing: ContentType[] = []) =>
    names(
      wantedStreams(network, {
        settings: { contentTypes, range: { from: null, to: null }, readsPerMonth: null, syncEveryMinutes: null, copies: 'keep' },
        declined,
        clearing,
      }),
    )

  test('null wants all; else what carries a wanted type', () => {
    expect(wanted(null)).toEqual(['statuses', 'likes'])
    expect(wanted(['photos'])).toEqual(['statuses'])
    expect(wanted([])).toEqual([])
  })

  test('not what needs a scope that was declined', () => {
    expect(wanted(null, ['like.read', 'offline'])).toEqual(['statuses'])
    expect(wanted(['likes'], ['like.read'])).toEqual([])
    expect(wanted(null, ['offline'])).toEqual(['statuses', 'likes'])
  })

  test('nothing of which copies are being removed, nor what comes by the same stream', () => {
    expect(wanted(null, [], ['photos'])).toEqual(['likes'])
    expect(wanted(['posts'], [], ['photos'])).toEqual([])
    expect(wanted(null, [], ['photos', 'likes'])).toEqual([])
  })

  test('a stream is widened when one of its types becomes wanted', () => {
    expect(names(widenedStreams(network, ['posts'], ['posts', 'photos']))).toEqual(['statuses'])
    expect(names(widenedStreams(network, ['likes'], null))).toEqual(['statuses'])
    expect(names(widenedStreams(network, null, ['posts']))).toEqual([])
  })
})
