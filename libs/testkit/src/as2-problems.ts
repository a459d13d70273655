/** https://www.w3.org/TR/activitystreams-vocabulary/ */
const types = new Set(
  [
    'Object Link Activity IntransitiveActivity Collection OrderedCollection CollectionPage OrderedCollectionPage',
    'Accept TentativeAccept Add Arrive Create Delete Follow Ignore Join Leave Like Offer Invite Reject TentativeReject Remove Undo Update',
    'View Listen Read Move Travel Announce Block Flag Dislike Question Application Group Organization Person Service',
    'Article Audio Document Event Image Note Page Place Profile Relationship Tombstone Video Mention',
    // Not of the vocabulary, but what the whole fediverse writes in `tag` (https://docs.joinmastodon.org/spec/activitypub/#Hashtag).
    'Hashtag',
  ]
    .join(' ')
    .split(' '),
)
const activities = new Set('Accept Add Announce Arrive Create Delete Follow Like Listen Read Remove Undo Update View Join Leave'.split(' '))
const properties = new Set(
  [
    '@context id type actor attachment attributedTo audience bcc bto cc context current first generator icon image inReplyTo instrument last',
    'location items oneOf anyOf closed origin next object prev preview result replies tag target to url accuracy altitude content name duration',
    'height href hreflang partOf latitude longitude mediaType endTime published startTime radius rel startIndex summary totalItems units updated',
    'width subject relationship describes formerType deleted nameMap contentMap summaryMap',
    // Of ActivityPub, whose terms share the context: https://www.w3.org/TR/activitypub/
    'preferredUsername likes shares source inbox outbox followers following',
  ]
    .join(' ')
    .split(' '),
)
const dates = ['published', 'updated', 'startTime', 'endTime']
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/
const objectsIn = [
  'object',
  'attachment',
  'image',
  'icon',
  'tag',
  'location',
  'oneOf',
  'anyOf',
  'target',
  'actor',
  'attributedTo',
  'likes',
  'replies',
]

/** What is not as Activity Streams 2.0 has it in an object and those inside it: one line each, with where it is. */
export function as2Problems(object: unknown, path = ''): string[] {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return [`${path || '/'}: is no object`]
  const fields = object as Record<string, unknown>
  const found: string[] = []
  const type = fields['type']
  if (typeof type !== 'string' || !types.has(type)) found.push(`${path}/type: ${JSON.stringify(type)} is not of the vocabulary`)
  if (path === '' && typeof fields['id'] !== 'string') found.push('/id: is missing')
  for (const [name, value] of Object.entries(fields)) {
    if (!properties.has(name) && !name.startsWith('asheville:')) found.push(`${path}/${name}: is not of the vocabulary and has no prefix`)
    if (value === undefined) found.push(`${path}/${name}: is undefined`)
    if (value === null && !name.startsWith('asheville:')) found.push(`${path}/${name}: is null; leave it out`)
  }
  for (const name of dates) {
    const value = fields[name]
    if (value === undefined || value === null) continue
    if (typeof value !== 'string' || !instant.test(value) || Number.isNaN(Date.parse(value)))
      found.push(`${path}/${name}: is no date with a zone`)
  }
  if (typeof type === 'string' && activities.has(type)) {
    if (fields['actor'] === undefined) found.push(`${path}/actor: is missing`)
    if (fields['object'] === undefined && type !== 'Arrive') found.push(`${path}/object: is missing`)
  }
  for (const name of objectsIn) {
    for (const [index, inner] of [fields[name]].flat().entries()) {
      if (typeof inner === 'object' && inner !== null) found.push(...as2Problems(inner, `${path}/${name}/${index}`))
    }
  }
  return found
}

/** The addresses of an object's files, and of those of the object that it is about: where platform looks for them. */
export function attachedUrls(object: Record<string, unknown>): unknown[] {
  const about = object['object']
  const inner = typeof about === 'object' && about !== null ? attachedUrls(about as Record<string, unknown>) : []
  const files = [object['attachment'], object['image']].flat()
  return [...files.map((file) => (typeof file === 'object' && file !== null && 'url' in file ? file.url : null)), ...inner]
}
