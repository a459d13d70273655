import { z } from 'zod'
import type { Includes } from './includes.ts'

const text = z.string().nullish().catch(null)
/** What a post says of where it is from. */
export const geoSchema = z
  .object({
    place_id: text,
    coordinates: z
      .object({ coordinates: z.tuple([z.number(), z.number()]) })
      .nullish()
      .catch(null),
  })
  .nullish()
  .catch(null)
/** https://docs.x.com/x-api/fundamentals/data-dictionary#place */
const placeSchema = z.object({
  full_name: text,
  country_code: text,
  geo: z
    .object({ bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]) })
    .nullish()
    .catch(null),
})
const metresPerDegree = 111_320

/** Where a post says it is from: the exact point if the author gave it, else the middle of the place, with its reach as radius. */
export function locationOf(geo: z.infer<typeof geoSchema>, includes: Includes): object | null {
  if (!geo) return null
  const place = placeSchema.safeParse(includes.places.get(geo.place_id ?? '')).data
  const [longitude, latitude] = geo.coordinates?.coordinates ?? []
  const where = latitude === undefined || longitude === undefined ? middleOf(place?.geo?.bbox) : { latitude, longitude }
  if (!place?.full_name && !where) return null
  return {
    type: 'Place',
    ...(place?.full_name && { name: place.full_name }),
    ...where,
    ...(place?.country_code && { 'asheville:country': place.country_code }),
  }
}

function middleOf(box: readonly [number, number, number, number] | undefined): object | null {
  if (!box) return null
  const [west, south, east, north] = box
  const [latitude, longitude] = [(south + north) / 2, (west + east) / 2]
  const [high, wide] = [north - south, (east - west) * Math.cos((latitude * Math.PI) / 180)]
  return { latitude, longitude, radius: Math.round((Math.hypot(high, wide) / 2) * metresPerDegree), units: 'm' }
}
