import type { AskedField } from './asked-fields.ts'
import { errors } from './errors.ts'

export type Wire = Record<string, unknown>
/** What the person who asks may see, and how. */
export type View = {
  may(permission: string): boolean
  /** Fills a field that is a listing. */
  listing(record: unknown, edge: string, asked: AskedField): Wire | undefined
}
/** Undefined: the field is left out of the answer, as Graph leaves out what is not there. */
type Field<T> = (record: T, asked: AskedField, view: View) => unknown

/** A kind of object: what can be asked of it, and what is given when nothing is. */
export type NodeType<T> = {
  /** As errors call it. */
  name: string
  defaults: string[]
  fields: Record<string, Field<T>>
  /** Fields that are listings. */
  edges: readonly string[]
}

/** An object with the fields asked for and its id; null: the usual ones. */
export function select<T extends { id: string }>(type: NodeType<T>, record: T, asked: AskedField[] | null, view: View): Wire {
  const wire: Wire = {}
  for (const field of asked ?? type.defaults.map(plainField)) {
    if (field.name === 'id') continue
    const read = Object.hasOwn(type.fields, field.name) ? type.fields[field.name]! : null
    if (!read && !type.edges.includes(field.name)) throw errors.noField(field.name, type.name)
    const value = read ? read(record, field, view) : view.listing(record, field.name, field)
    if (value !== undefined) wire[field.alias] = value
  }
  return { ...wire, id: record.id }
}

/** A value of several parts; of those, the ones asked for. `parts` are all that there can be. */
export function pick(typeName: string, value: Wire, asked: AskedField, parts: readonly string[]): Wire {
  if (asked.fields === null) return value
  const picked: Wire = {}
  for (const { name, alias } of asked.fields) {
    if (!parts.includes(name)) throw errors.noField(name, typeName)
    if (value[name] !== undefined) picked[alias] = value[name]
  }
  return picked
}

export const plainField = (name: string): AskedField => ({ name, alias: name, modifiers: new Map(), fields: null, source: null })
