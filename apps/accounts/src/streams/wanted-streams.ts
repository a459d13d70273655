import type { ContentType, Network, Stream } from '@asheville/core'

/** The streams that carry at least one of the wanted content types; null wants all. */
export function wantedStreams(network: Pick<Network, 'streams'>, contentTypes: readonly ContentType[] | null): Stream[] {
  return network.streams.filter((stream) => contentTypes === null || stream.contentTypes.some((type) => contentTypes.includes(type)))
}

/** The streams of which more is wanted than before: they must be pulled again from the start. */
export function widenedStreams(
  network: Pick<Network, 'streams'>,
  before: readonly ContentType[] | null,
  after: readonly ContentType[] | null,
): Stream[] {
  const has = (wanted: readonly ContentType[] | null, type: ContentType) => wanted === null || wanted.includes(type)
  return network.streams.filter((stream) => stream.contentTypes.some((type) => has(after, type) && !has(before, type)))
}
