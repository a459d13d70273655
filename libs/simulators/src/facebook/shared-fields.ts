import type { AskedField } from './asked-fields.ts'
import { pick, select } from './node-types.ts'
import type { NodeType, View, Wire } from './node-types.ts'
import { graphTime } from './parameters.ts'
import type { Person, Place, Thing } from './records.ts'
import type { Privacy } from './types.ts'
import { nameOf } from './world.ts'

const locationParts = 'city city_id country country_code latitude located_in longitude name region region_id state street zip'.split(' ')
const privacyTexts: Record<Privacy, string> = {
  EVERYONE: 'Public',
  ALL_FRIENDS: 'Your friends',
  FRIENDS_OF_FRIENDS: 'Your friends of friends',
  SELF: 'Only me',
  CUSTOM: 'Custom',
}
/** Shows where pages on the site are; nobody goes there. */
export const site = 'https://www.facebook.com'

const placeType: NodeType<Place> = {
  name: 'Place',
  defaults: ['name', 'location'],
  edges: [],
  fields: {
    name: ({ name }) => name,
    overall_rating: () => undefined,
    location: ({ street, city, country, zip, latitude, longitude }, asked) => {
      const filled = Object.entries({ street, city, country, zip }).filter(([, text]) => text !== '')
      return pick('Location', { ...Object.fromEntries(filled), latitude, longitude }, asked, locationParts)
    },
  },
}

export function placeField({ place, broken }: Thing & { place: Place | null }, asked: AskedField, view: View): unknown {
  if (broken === 'nullPlace') return null
  return place === null ? undefined : select(placeType, place, asked.fields, view)
}

export function createdTime({ createdMs, broken }: Thing): string | undefined {
  if (broken === 'noCreatedTime') return undefined
  return broken === 'badCreatedTime' ? 'yesterday' : graphTime(createdMs)
}
export const updatedTime = ({ updatedMs }: Thing): string => graphTime(updatedMs)

export const profile = (person: { id: string; name: string }, asked: AskedField): Wire =>
  pick('Profile', { name: person.name, id: person.id }, asked, ['id', 'name', 'link', 'picture', 'username'])
export const from = (person: Person, asked: AskedField): Wire => profile({ id: person.id, name: nameOf(person) }, asked)

export const privacyField = (privacy: Privacy, asked: AskedField): Wire =>
  pick(
    'Privacy',
    { allow: '', deny: '', description: privacyTexts[privacy], friends: '', value: privacy },
    asked,
    'allow deny description friends networks value'.split(' '),
  )

/** `reactions.summary(true).limit(0)` and its kin: who reacted is told of none but people who use the app, and here nobody does. */
export function counted(count: number, asked: AskedField, more: Wire): Wire {
  const summary = asked.modifiers.get('summary')
  const isAsked = summary !== undefined && summary !== 'false' && summary !== '0'
  return { data: [], ...(isAsked && { summary: { total_count: count, ...more } }) }
}
