/** The terms that networks' items are written with: https://www.w3.org/TR/activitystreams-vocabulary/ and https://www.w3.org/TR/activitypub/ */
const terms = new Set(
  [
    '@context id type actor attachment attributedTo audience bcc bto cc context current first generator icon image inReplyTo instrument last',
    'location items oneOf anyOf closed origin next object orderedItems prev preview result replies tag target to url accuracy altitude content',
    'contentMap name nameMap duration height href hreflang partOf latitude longitude mediaType endTime published startTime radius rel startIndex',
    'summary summaryMap totalItems units updated width subject relationship describes formerType deleted source likes shares inbox outbox',
    'followers following liked preferredUsername endpoints sensitive',
  ]
    .join(' ')
    .split(' '),
)

/** Whether a property of an item is neither its network's nor ours: a person, or a program of theirs, wrote it into the file. */
export function isFromPerson(name: string): boolean {
  return !terms.has(name) && !name.startsWith('asheville:')
}
