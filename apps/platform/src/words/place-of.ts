export interface Place {
  /** Degrees north, WGS 84. */
  latitude: number
  /** Degrees east. */
  longitude: number
}

/** Where an item says it is from, itself or what it shows or shares. https://www.w3.org/TR/activitystreams-vocabulary/#dfn-location */
export function placeOf(object: Readonly<Record<string, unknown>>): Place | null {
  for (const holder of [object, object['object'], ...[object['attachment']].flat()]) {
    if (typeof holder !== 'object' || holder === null) continue
    const own = holder === object && object['type'] === 'Place' ? [object] : []
    for (const location of [...own, ...[(holder as { location?: unknown }).location].flat()]) {
      if (typeof location !== 'object' || location === null) continue
      const { latitude, longitude } = location as Record<string, unknown>
      if (typeof latitude !== 'number' || typeof longitude !== 'number') continue
      if (Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180) return { latitude, longitude }
    }
  }
  return null
}
