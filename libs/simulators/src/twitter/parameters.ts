import type { Fault } from './problems.ts'

const fault = (name: string, value: string, message: string): Fault => ({ parameters: { [name]: [value] }, message })
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/
const firstInstant = Date.parse('2010-11-06T00:00:00Z')

/** Reads a request's parameters and notes each that X would refuse. */
export function createParameters(query: URLSearchParams) {
  const faults: Fault[] = []
  return {
    faults,
    count(min: number, max: number, normal: number): number {
      const given = query.get('max_results')
      if (given === null) return normal
      if (/^-?\d{1,9}$/.test(given) && Number(given) >= min && Number(given) <= max) return Number(given)
      faults.push(fault('max_results', given, `The \`max_results\` query parameter value [${given}] is not between ${min} and ${max}`))
      return normal
    },
    id(name: string): bigint | null {
      const given = query.get(name)
      if (given === null || /^\d{1,19}$/.test(given)) return given === null ? null : BigInt(given)
      faults.push(fault(name, given, `The \`${name}\` query parameter value [${given}] does not match ^[0-9]{1,19}$`))
      return null
    },
    time(name: string): number | null {
      const given = query.get(name)
      if (given === null) return null
      const ms = instant.test(given) ? Date.parse(given) : Number.NaN
      if (Number.isNaN(ms))
        faults.push(fault(name, given, `The \`${name}\` query parameter value [${given}] is not a valid RFC3339 date-time`))
      else if (ms < firstInstant)
        faults.push(fault(name, given, `Invalid '${name}':'${given}'. '${name}' must be on or after 2010-11-06T00:00:00Z.`))
      return Number.isNaN(ms) ? null : ms
    },
    ids(): string[] {
      const given = query.get('ids')
      if (given === null || given === '') {
        faults.push({ parameters: { ids: given === null ? [] : [''] }, message: 'The `ids` query parameter can not be empty' })
        return []
      }
      const ids = given.split(',')
      if (ids.length > 100)
        faults.push(
          fault('ids', given, `The number of values in the \`ids\` query parameter list [${ids.length}] is not between 1 and 100`),
        )
      for (const id of ids)
        if (!/^\d{1,19}$/.test(id)) faults.push(fault('ids', given, `The \`ids\` query parameter value [${id}] is not valid`))
      return ids
    },
    pathId(id: string): string {
      if (!/^\d{1,19}$/.test(id)) faults.push(fault('id', id, `The \`id\` query parameter value [${id}] is not valid`))
      return id
    },
    note: (name: string, value: string, message: string) => void faults.push(fault(name, value, message)),
  }
}
export type Parameters = ReturnType<typeof createParameters>
