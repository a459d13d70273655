// Written from the recommendation itself, and of nothing that the services are made of: https://www.w3.org/TR/activitystreams-vocabulary/

const objectTypes = 'Article Audio Document Event Image Note Page Place Profile Relationship Tombstone Video Object'.split(' ')
const actorTypes = 'Application Group Organization Person Service'.split(' ')
const linkTypes = 'Link Mention Hashtag'.split(' ')
const collectionTypes = 'Collection OrderedCollection CollectionPage OrderedCollectionPage'.split(' ')
const activityTypes = (
  'Accept Add Announce Block Create Delete Dislike Flag Follow Ignore Invite Join Leave Like Listen Move Offer Read Reject Remove ' +
  'TentativeAccept TentativeReject Undo Update View'
).split(' ')
/** They have no object: https://www.w3.org/TR/activitystreams-core/#intransitiveactivities; a Question may be asked by nobody in particular. */
const intransitiveTypes = 'Arrive Question Travel'.split(' ')
const types = new Set([...objectTypes, ...actorTypes, ...linkTypes, ...collectionTypes, ...activityTypes, ...intransitiveTypes, 'Activity'])

const properties = new Set(
  (
    'id type actor attachment attributedTo audience bcc bto cc context current first generator icon image inReplyTo instrument items last ' +
    'location next object oneOf anyOf closed origin orderedItems partOf prev preview result replies tag target to url accuracy altitude content ' +
    'contentMap name nameMap duration endTime height href hreflang latitude longitude mediaType published radius rel startIndex startTime ' +
    'summary summaryMap totalItems units updated width describes formerType deleted relationship subject ' +
    // Of ActivityPub, whose terms the same context defines: https://www.w3.org/TR/activitypub/
    'source likes shares inbox outbox followers following liked preferredUsername endpoints sensitive'
  ).split(' '),
)
const texts = ['content', 'name', 'summary', 'mediaType', 'href', 'rel', 'hreflang', 'preferredUsername']
const numbers = ['width', 'height', 'latitude', 'longitude', 'altitude', 'accuracy', 'radius', 'totalItems', 'startIndex']
const instants = ['published', 'updated', 'startTime', 'endTime', 'deleted']
/** https://www.w3.org/TR/activitystreams-core/#dates: RFC 3339, with a zone. */
const instant = /^\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]\d\d:\d\d)$/
const nested = 'actor object target attributedTo attachment image icon tag location oneOf anyOf likes shares replies origin result'.split(
  ' ',
)
const absolute = /^[a-z][a-z0-9+.-]*:\S+$/iu

/** What of an item is not Activity Streams 2.0: one line each, with where it is. What is prefixed (`asheville:raw`) is not looked into. */
export function objectFaults(value: unknown, where = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${where || 'the item'} is no object`]
  const object = value as Record<string, unknown>
  const faults: string[] = []
  const fault = (name: string, what: string): void => void faults.push(`${where}${name} ${what}`)
  const { id, type } = object

  if (where === '' && (typeof id !== 'string' || !absolute.test(id))) fault('id', 'is no absolute identifier')
  if (typeof type !== 'string' || !types.has(type)) fault('type', `${JSON.stringify(type)} is not of the vocabulary`)
  for (const name of Object.keys(object)) {
    if (!properties.has(name) && !/^[a-z]+:\w+$/i.test(name)) fault(name, 'is neither of the vocabulary nor prefixed')
    if (object[name] === null && !name.includes(':')) fault(name, 'is null')
  }
  for (const name of texts) if (object[name] !== undefined && typeof object[name] !== 'string') fault(name, 'is no text')
  for (const name of numbers) if (object[name] !== undefined && !Number.isFinite(object[name])) fault(name, 'is no number')
  for (const name of instants) if (object[name] !== undefined && !isInstant(object[name])) fault(name, 'is no instant with a zone')
  for (const link of listOf(object['url'])) {
    const href = typeof link === 'object' && link !== null ? (link as Record<string, unknown>)['href'] : link
    if (typeof href !== 'string' || !absolute.test(href)) fault('url', 'is no absolute address')
  }
  if (typeof type === 'string' && (activityTypes.includes(type) || type === 'Arrive')) {
    if (object['actor'] === undefined) fault('actor', 'is missing')
    if (object['object'] === undefined && activityTypes.includes(type)) fault('object', 'is missing')
  }
  for (const name of nested) {
    listOf(object[name]).forEach((inner, index) => {
      if (typeof inner === 'string') return absolute.test(inner) ? undefined : fault(`${name}[${index}]`, 'is no absolute identifier')
      faults.push(...objectFaults(inner, `${where}${name}[${index}].`))
    })
  }
  return faults
}

function isInstant(value: unknown): boolean {
  return typeof value === 'string' && instant.test(value) && !Number.isNaN(Date.parse(value))
}

function listOf(value: unknown): unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value]
}
