import { invalid } from './errors.ts'
import type { DriveFile } from './types.ts'

type Test = (file: DriveFile) => boolean
type QueryWorld = { hasFolder(id: string): boolean; isTrashed(file: DriveFile): boolean; onNoFolder(): never }

/**
 * The `q` of `files.list`: https://developers.google.com/workspace/drive/api/guides/ref-search-terms. Names are compared whatever their case.
 */
export function parseQuery(text: string, world: QueryWorld): Test {
  const tokens = [...text.matchAll(/\s*(?:'((?:\\.|[^'\\])*)'|([A-Za-z]+)|(!=|[=(){}]))/gy)]
  if (tokens.reduce((length, [whole]) => length + whole.length, 0) !== text.trimEnd().length) throw invalid('q')
  let at = 0
  const word = (): string | undefined => tokens[at]?.[2] ?? tokens[at]?.[3]
  const literal = (): string => {
    const found = tokens[at++]?.[1]
    if (found === undefined) throw invalid('q')
    return found.replace(/\\(.)/g, '$1')
  }
  const take = (...wanted: string[]): string => {
    const found = word()
    if (found === undefined || !wanted.includes(found)) throw invalid('q')
    at += 1
    return found
  }

  function either(): Test {
    const parts = [both()]
    while (word() === 'or') {
      at += 1
      parts.push(both())
    }
    return (file) => parts.some((part) => part(file))
  }
  function both(): Test {
    const parts = [one()]
    while (word() === 'and') {
      at += 1
      parts.push(one())
    }
    return (file) => parts.every((part) => part(file))
  }
  function one(): Test {
    if (word() === undefined) return inParents()
    const term = take('(', 'not', 'name', 'mimeType', 'trashed', 'appProperties')
    if (term === '(') {
      const inner = either()
      take(')')
      return inner
    }
    if (term === 'not') {
      const inner = one()
      return (file) => !inner(file)
    }
    if (term === 'trashed') {
      const isEqual = take('=', '!=') === '='
      const wanted = (take('true', 'false') === 'true') === isEqual
      return (file) => world.isTrashed(file) === wanted
    }
    if (term === 'appProperties') return property()
    const isEqual = take('=', '!=') === '='
    const wanted = literal()
    if (term === 'mimeType') return (file) => (file.mimeType === wanted) === isEqual
    return (file) => (file.name.toLowerCase() === wanted.toLowerCase()) === isEqual
  }
  function inParents(): Test {
    const id = literal()
    take('in')
    take('parents')
    if (!world.hasFolder(id)) world.onNoFolder()
    return (file) => file.parent === id
  }
  function property(): Test {
    take('has')
    take('{')
    take('key')
    take('=')
    const key = literal()
    take('and')
    take('value')
    take('=')
    const value = literal()
    take('}')
    return (file) => file.appProperties[key] === value
  }
  const test = either()
  if (at !== tokens.length) throw invalid('q')
  return test
}
