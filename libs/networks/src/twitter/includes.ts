import { z } from 'zod'

const kinds = ['tweets', 'users', 'media', 'polls', 'places'] as const
type Kind = (typeof kinds)[number]

/** What an answer brings along because its records refer to it, by id: https://docs.x.com/x-api/fundamentals/expansions */
export type Includes = Readonly<Record<Kind, ReadonlyMap<string, unknown>>>

const listSchema = z.array(z.unknown()).nullish().catch(null)
export const includesSchema = z
  .object({ tweets: listSchema, users: listSchema, media: listSchema, polls: listSchema, places: listSchema })
  .nullish()
  .catch(null)

const namedSchema = z.union([
  z.object({ id: z.string() }),
  z.object({ media_key: z.string() }).transform((media) => ({ id: media.media_key })),
])

export function readIncludes(given: z.infer<typeof includesSchema>): Includes {
  const byId = (list: readonly unknown[]) =>
    new Map(
      list.flatMap((one): [string, unknown][] => {
        const named = namedSchema.safeParse(one)
        return named.success ? [[named.data.id, one]] : []
      }),
    )
  return Object.fromEntries(kinds.map((kind) => [kind, byId(given?.[kind] ?? [])])) as Record<Kind, Map<string, unknown>>
}

/** Of all that came along only what is named, untouched and as X has it; nothing where there is none. */
export function pickIncludes(includes: Includes, wanted: Partial<Record<Kind, readonly (string | null | undefined)[]>>): object {
  const found = kinds.map((kind): [Kind, unknown[]] => {
    const ids = new Set(wanted[kind])
    return [kind, [...ids].flatMap((id) => (id && includes[kind].has(id) ? [includes[kind].get(id)] : []))]
  })
  const filled = found.filter(([, list]) => list.length > 0)
  return filled.length === 0 ? {} : { includes: Object.fromEntries(filled) }
}
