import { plannedNetworks } from '@asheville/networks'
import { plannedStorages } from '@asheville/storages'
import { findAdapter, type Context } from '../context.ts'

/** Whether one can vote for it: it is planned, and not there yet. */
export function isPlanned(context: Pick<Context, 'networks' | 'storages'>, provider: string): boolean {
  return [...plannedNetworks, ...plannedStorages].some(({ id }) => id === provider) && !findAdapter(context, provider)
}
