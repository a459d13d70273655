import { fieldsOf } from '../kit/index.ts'
import type { Call } from '../kit/index.ts'

/** Parameters of the address and of the body, which Graph takes alike. */
export function parametersOf(call: Call): URLSearchParams {
  const all = new URLSearchParams(call.query)
  for (const [name, value] of Object.entries(fieldsOf(call)))
    all.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value))
  return all
}

/** The access token of a call: in the header, or a parameter. */
export const tokenOf = (call: Call): string | null => call.token ?? parametersOf(call).get('access_token')

/** `2017-05-05T12:00:00+0000`, with no fraction of a second. */
export const graphTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+0000`
