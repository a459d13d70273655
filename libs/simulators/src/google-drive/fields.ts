import { invalid } from './errors.ts'

type Mask = Map<string, Mask | null>

/** What `fields` selects of an answer: https://developers.google.com/workspace/drive/api/guides/fields-parameter */
export function selectFields(value: unknown, fields: string): unknown {
  return select(value, parse(fields))
}

function select(value: unknown, mask: Mask | null): unknown {
  if (mask === null || mask.has('*')) return value
  if (Array.isArray(value)) return value.map((one) => select(one, mask))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => mask.has(name))
      .map(([name, inner]) => [name, select(inner, mask.get(name)!)]),
  )
}

function parse(text: string): Mask {
  const tokens = text.match(/[A-Za-z0-9*]+|[(),/]/g) ?? []
  if (tokens.join('') !== text.replaceAll(' ', '')) throw invalid('fields')
  let at = 0
  function list(): Mask {
    const mask: Mask = new Map()
    do mask.set(...one())
    while (tokens[at] === ',' && ++at)
    return mask
  }
  function one(): [string, Mask | null] {
    const name = tokens[at++]
    if (name === undefined || !/^[A-Za-z0-9*]+$/.test(name)) throw invalid('fields')
    if (tokens[at] === '/') {
      at += 1
      return [name, new Map([one()])]
    }
    if (tokens[at] !== '(') return [name, null]
    at += 1
    const inner = list()
    if (tokens[at++] !== ')') throw invalid('fields')
    return [name, inner]
  }
  const mask = list()
  if (at !== tokens.length) throw invalid('fields')
  return mask
}
