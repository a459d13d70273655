import type { NodeType } from './node-types.ts'
import { graphTime } from './parameters.ts'
import type { Happening } from './records.ts'
import { from, placeField, updatedTime } from './shared-fields.ts'

/** developers.facebook.com/docs/graph-api/reference/event */
export function eventKind(): NodeType<Happening> {
  const none = () => undefined
  return {
    name: 'Event',
    defaults: ['description', 'name', 'place', 'start_time', 'end_time'],
    edges: [],
    fields: {
      name: ({ name }) => name,
      description: ({ description }) => description,
      start_time: startTime,
      end_time: ({ endMs }) => (endMs === null ? undefined : graphTime(endMs)),
      updated_time: updatedTime,
      timezone: () => 'Etc/UTC',
      place: placeField,
      owner: ({ host }, asked) => from(host, asked),
      type: ({ type }) => type,
      category: none,
      is_online: ({ isOnline }) => isOnline,
      online_event_format: ({ isOnline }) => (isOnline ? 'fb_live' : 'none'),
      is_canceled: ({ isCanceled }) => isCanceled,
      is_draft: () => false,
      is_page_owned: () => false,
      rsvp_status: rsvpOf,
      attending_count: ({ attending }) => attending,
      interested_count: ({ attending }) => attending * 2,
      maybe_count: ({ attending }) => attending * 2,
      declined_count: () => 0,
      noreply_count: () => 3,
      guest_list_enabled: () => true,
      can_guests_invite: () => true,
      ticket_uri: none,
      event_times: none,
      parent_group: none,
      cover: none,
    },
  }
}

/** Who hosts is coming. */
export const rsvpOf = ({ role }: Happening): string => (role === 'hosting' ? 'attending' : role)

function startTime({ startMs, broken }: Happening): string | undefined {
  if (broken === 'noCreatedTime') return undefined
  return broken === 'badCreatedTime' ? 'yesterday' : graphTime(startMs)
}
