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
const network = { streams: [stream('statuses', 'posts', 'photos'), stream('likes', 'likes')] }
const names = (streams: Stream[]) => streams.map(({ name }) => name)

describe('wanted streams', () => {
  test('null wants all; else what carries a wanted type', () => {
    expect(names(wantedStreams(network, null))).toEqual(['statuses', 'likes'])
    expect(names(wantedStreams(network, ['photos']))).toEqual(['statuses'])
    expect(names(wantedStreams(network, []))).toEqual([])
  })

  test('a stream is widened when one of its types becomes wanted', () => {
    expect(names(widenedStreams(network, ['posts'], ['posts', 'photos']))).toEqual(['statuses'])
    expect(names(widenedStreams(network, ['likes'], null))).toEqual(['statuses'])
    expect(names(widenedStreams(network, null, ['posts']))).toEqual([])
  })
})
