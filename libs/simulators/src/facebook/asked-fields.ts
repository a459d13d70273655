import { GraphError } from './errors.ts'

/** One field of a `fields` parameter: `photos.limit(5).type(uploaded){images,name}`. */
export type AskedField = {
  name: string
  /** Name in the answer, by `.as(…)`. */
  alias: string
  /** Arguments by name. */
  modifiers: Map<string, string>
  /** What is in the braces, or null without them. */
  fields: AskedField[] | null
  /** The text in the braces. */
  source: string | null
}

/** Reads field expansion (developers.facebook.com/docs/graph-api/guides/field-expansion). Throws Graph's syntax error. */
export function readFields(text: string): AskedField[] {
  let at = 0
  const peek = () => text[at] ?? ''
  const expected = (what: string): GraphError => {
    const instead = at >= text.length ? 'end of string' : `"${text[at]}"`
    return new GraphError({ code: 2500, message: `Syntax error "Expected ${what} instead of ${instead}." at character ${at}: ${text}` })
  }
  function word(): string {
    const [found] = /^\s*[\w-]+/.exec(text.slice(at)) ?? []
    if (found === undefined) throw expected('name')
    at += found.length
    return found.trim()
  }
  function take(sign: string): void {
    if (peek() !== sign) throw expected(`"${sign}"`)
    at++
  }

  function list(): AskedField[] {
    const fields = [field()]
    while (peek() === ',') {
      at++
      fields.push(field())
    }
    return fields
  }
  function field(): AskedField {
    const name = word()
    const modifiers = new Map<string, string>()
    let fields: AskedField[] | null = null
    let source: string | null = null
    for (;;) {
      if (peek() === '.') {
        at++
        const modifier = word()
        take('(')
        const end = text.indexOf(')', at)
        if (end < 0) throw expected('")"')
        modifiers.set(modifier, text.slice(at, end).trim())
        at = end + 1
      } else if (peek() === '{' && fields === null) {
        at++
        const start = at
        fields = list()
        source = text.slice(start, at)
        take('}')
      } else break
    }
    return { name, alias: modifiers.get('as') ?? name, modifiers, fields, source }
  }

  const fields = list()
  if (at < text.length) throw expected('end of string')
  return fields
}
