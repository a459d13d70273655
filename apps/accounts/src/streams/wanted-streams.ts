import { isAllowed, type ContentType, type Network, type Stream } from '@asheville/core'
import type { Connection } from '@asheville/clients'

/** The streams that carry at least one of the wanted content types (null wants all), that the person allowed, and of which nothing is being removed. */
export function wantedStreams(
  network: Pick<Network, 'streams'>,
  { settings: { contentTypes }, declined, clearing }: Pick<Connection, 'settings' | 'declined' | 'clearing'>,
): Stream[] {
  const bringing = contentTypes === null ? network.streams : streamsOf(network, contentTypes)
  const cleared = streamsOf(network, clearing)
  return bringing.filter((stream) => isAllowed(stream, declined) && !cleared.includes(stream))
}

/** The streams that carry at least one of the content types. */
export function streamsOf(network: Pick<Network, 'streams'>, types: readonly ContentType[]): Stream[] {
  return network.streams.filter(({ contentTypes }) => contentTypes.some((type) => types.includes(type)))
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
