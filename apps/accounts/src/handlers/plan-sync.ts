import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listPlaces } from '../queries/streams.ts'
import { chooseStreams } from '../streams/choose-streams.ts'
import { expectedWalks } from '../streams/expected-walks.ts'

export function handlePlanSync(context: Context): Handler<typeof accountsRoutes.planSync> {
  return async ({ userId, body: { from, ...wish } }) => {
    const chosen = await chooseStreams(context, context.db, userId, wish)
    const places = await listPlaces(context.db, userId)
    const connections = chosen.map(({ connection, streams }) => ({
      connectionId: connection.id,
      provider: connection.provider,
      handle: connection.handle,
      streams: streams.map((stream) => {
        const place = places.find(({ connectionId, name }) => connectionId === connection.id && name === stream.name) ?? null
        const { contentTypes } = connection.settings
        return {
          stream: stream.name,
          contentTypes: stream.contentTypes.filter((type) => contentTypes === null || contentTypes.includes(type)),
          walks: expectedWalks(stream, place, from),
          isUnderWay: place?.isUnderWay ?? false,
          available: place?.available ?? {},
        }
      }),
    }))
    return { connections }
  }
}
