import { isAllowed, type ContentType, type Network, type Stream } from '@asheville/core'
import type { Connection } from '@asheville/clients'

/** The streams that carry at least one of the wanted content types (null wants all) and that the person allowed. */
export function wantedStreams(
  network: Pick<Network, 'streams'>,
  { settings: { contentTypes }, declined }: Pick<Connection, 'settings' | 'declined'>,
): Stream[] {
  return network.streams.filter(
    (stream) => isAllowed(stream, declined) && (contentTypes === null || stream.contentTypes.some((type) => contentTypes.includes(type))),
  )
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
