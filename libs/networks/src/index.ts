import type { Network } from '@asheville/core'
import { bluesky } from './bluesky/index.ts'
import { facebook } from './facebook/index.ts'
import { feeds } from './feeds/index.ts'
import { mastodon } from './mastodon/index.ts'
import { twitter } from './twitter/index.ts'

/** Every network that people can connect, in the order in which they are offered. Adding one is a line here. */
export const networks: readonly Network[] = [mastodon, bluesky, feeds, twitter, facebook]

export { createMemoryWorld, type MemoryFault, type MemoryWorld } from './memory/world.ts'
export { plannedNetworks, type Planned } from './planned.ts'
export { memory } from './memory/index.ts'

/** The network of this id among those (the registered ones unless given), or null. */
export function networkById(id: string, among: readonly Network[] = networks): Network | null {
  return among.find((network) => network.id === id) ?? null
}

/** The registered networks and others, such as `memory`, for tests and development: pass the result where `networks` goes. */
export function networksWith(...others: Network[]): readonly Network[] {
  return [...networks, ...others]
}
