import type { Tagged } from './types.ts'

/** Reads one value of an argument; throws `BadArgument`. */
export type Read<T> = (value: unknown, at: string) => T
type Field<T> = { read: Read<T>; fallback: { value: T } | null }
type Fields = Record<string, Field<unknown>>
type Struct<F extends Fields> = { [name in keyof F]: F[name] extends Field<infer T> ? T : never }

export class BadArgument extends Error {}

const kindOf = (value: unknown) => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (Number.isInteger(value)) return 'integer'
  return typeof value === 'number' ? 'float' : typeof value
}
const refuse = (at: string, what: string): never => {
  throw new BadArgument(at === '' ? what : `${at}: ${what}`)
}

export const required = <T>(read: Read<T>): Field<T> => ({ read, fallback: null })
export const optional = <T>(read: Read<T>, value: T): Field<T> => ({ read, fallback: { value } })
/** A field that may also be null. */
export const nullable = <T>(read: Read<T>): Field<T | null> => ({
  read: (value, at) => (value === null ? null : read(value, at)),
  fallback: { value: null },
})

/** An object with these fields and no others. */
export function struct<F extends Fields>(fields: F): Read<Struct<F>> {
  return (value, at) => {
    if (kindOf(value) !== 'object') return refuse(at, `expected object, got ${kindOf(value)}`)
    const given = value as Record<string, unknown>
    for (const name of Object.keys(given)) if (!Object.hasOwn(fields, name) && name !== '.tag') refuse(at, `unknown field '${name}'`)
    const entries = Object.entries(fields).map(([name, { read, fallback }]) => {
      if (Object.hasOwn(given, name)) return [name, read(given[name], at === '' ? name : `${at}.${name}`)]
      return [name, fallback ? fallback.value : refuse(at, `missing required field '${name}'`)]
    })
    return Object.fromEntries(entries) as Struct<F>
  }
}

export function text(pattern?: RegExp, maxLength = Infinity): Read<string> {
  return (value, at) => {
    if (typeof value !== 'string') return refuse(at, `expected string, got ${kindOf(value)}`)
    if (pattern && !pattern.test(value)) return refuse(at, `'${value}' did not match pattern '${pattern.source}'`)
    return value.length > maxLength ? refuse(at, `'${value}' must be at most ${maxLength} characters`) : value
  }
}

/** What is taken and not looked at. */
export const anything: Read<unknown> = (value) => value

export const flag: Read<boolean> = (value, at) =>
  typeof value === 'boolean' ? value : refuse(at, `expected boolean, got ${kindOf(value)}`)

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Read<number> {
  return (value, at) => {
    if (!Number.isInteger(value)) return refuse(at, `expected integer, got ${kindOf(value)}`)
    const number = value as number
    if (number < min) refuse(at, `${number} is not at least ${min}`)
    return number > max ? refuse(at, `${number} is not at most ${max}`) : number
  }
}

export function list<T>(read: Read<T>, max: number): Read<T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) return refuse(at, `expected list, got ${kindOf(value)}`)
    if (value.length > max) refuse(at, `list has ${value.length} items, at most ${max} are allowed`)
    return value.map((item, i) => read(item, `${at}[${i}]`))
  }
}

/** A union, as its tag alone or as an object; `values` reads what belongs to a tag. */
export function union(tags: string[], values: Record<string, Read<unknown>> = {}): Read<Tagged> {
  return (value, at) => {
    const given: unknown = typeof value === 'string' ? { '.tag': value } : value
    if (kindOf(given) !== 'object') return refuse(at, `expected string or object, got ${kindOf(given)}`)
    const tag = (given as Tagged)['.tag']
    if (typeof tag !== 'string') return refuse(at, `missing '.tag' key`)
    const read = Object.hasOwn(values, tag) ? values[tag]! : null
    if (!read && !tags.includes(tag)) return refuse(at, `unknown tag '${tag}'`)
    if (!read) return { '.tag': tag }
    if (!Object.hasOwn(given as object, tag)) return refuse(at, `missing '${tag}' key`)
    return { '.tag': tag, [tag]: read((given as Tagged)[tag], `${at}.${tag}`) }
  }
}

/** Whole seconds in UTC, in milliseconds since 1970. */
export const timestamp: Read<number> = (value, at) => {
  const given = text()(value, at)
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(given) ? Date.parse(given) : NaN
  return Number.isNaN(ms) ? refuse(at, `time data '${given}' does not match format '%Y-%m-%dT%H:%M:%SZ'`) : ms
}

export const contentHash = text(/^[0-9a-f]{64}$/)
export const rev = text(/^[0-9a-f]{9,}$/)

const notRoot = (pattern: RegExp): Read<string> => {
  const matching = text(pattern)
  return (value, at) => (value === '' ? refuse(at, 'The root folder is unsupported.') : matching(value, at))
}
export const readPath = notRoot(/^((\/(.|[\r\n])*|id:.*)|(rev:[0-9a-f]{9,})|(ns:[0-9]+(\/.*)?))$/)
export const writePath = notRoot(/^((\/(.|[\r\n])*)|(ns:[0-9]+(\/.*)?)|(id:.*))$/)
const folderPattern = text(/^((\/(.|[\r\n])*)?|id:.*|(ns:[0-9]+(\/.*)?))$/)
export const folderPath: Read<string> = (value, at) =>
  value === '/' ? refuse(at, 'Specify the root folder as an empty string rather than as "/".') : folderPattern(value, at)
