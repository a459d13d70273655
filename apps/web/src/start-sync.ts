import type { Visit } from '@asheville/service'
import type { Site } from './site.ts'

/** Syncs at once what a person connected or resumed; should that fail, the schedule does it a little later. */
export async function startSync(
  site: Site,
  visit: Visit,
  userId: string,
  connectionId: string,
  trigger: 'connect' | 'person',
): Promise<void> {
  const { conductor } = site.backends(visit, 3000)
  const started = conductor.createSync({ body: { trigger, connectionIds: [connectionId] }, userId })
  await started.catch((error: unknown) => visit.log.warn({ error }, 'sync not started'))
}
