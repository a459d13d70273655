import type { Canaries } from './canaries.ts'

/** Something to be searched. */
export interface Place {
  /** Where it is, for people: `log of accounts`, `Postgres accounts.users.name`. */
  name: string
  bytes: Buffer
}

/** Where a secret was found, in which form; never the secret itself. */
export interface Hit {
  canary: string
  form: string
  place: string
}

export interface Scan {
  hits: Hit[]
  places: number
  bytes: number
}

/** A service's or server's token, whoever it belongs to: none may be anywhere. */
const jwt = /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}/

/** Looks for every canary in all of its forms, and for tokens by their looks. */
export async function scan(canaries: Canaries, places: AsyncIterable<Place> | Iterable<Place>): Promise<Scan> {
  const result: Scan = { hits: [], places: 0, bytes: 0 }
  for await (const { name, bytes } of places) {
    result.places += 1
    result.bytes += bytes.length
    const named = Buffer.concat([Buffer.from(name), Buffer.from('\n'), bytes])
    const found = canaries.all.flatMap((canary) =>
      canary.forms
        .filter((one) => named.includes(one.bytes))
        .map(({ form }) => ({ canary: canary.name, form, place: canaries.masked(name) })),
    )
    if (jwt.test(named.toString('latin1'))) found.push({ canary: 'a JSON Web Token', form: 'plain', place: canaries.masked(name) })
    result.hits.push(...found)
  }
  return result
}
