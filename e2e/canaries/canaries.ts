/** A secret of a run, by a name that may be told. */
export interface Canary {
  name: string
  /** How it may stand somewhere, by the name of the form. */
  forms: readonly { form: string; bytes: Buffer }[]
}

export interface Canaries {
  /** Shorter ones than 8 bytes are refused: they would be found anywhere. The same secret twice counts once. */
  add(name: string, secret: string | Uint8Array): void
  readonly all: readonly Canary[]
  /** A text without any of them, for reports. */
  masked(text: string): string
}

const minBytes = 8

/** The secrets that must be nowhere, in every form in which they might be. */
export function createCanaries(): Canaries {
  const all: Canary[] = []
  const known = new Set<string>()
  return {
    all,
    add(name, secret) {
      const bytes = Buffer.from(secret)
      if (bytes.length < minBytes) throw new Error(`${name} is too short to be looked for`)
      if (known.has(bytes.toString('hex'))) return
      known.add(bytes.toString('hex'))
      all.push({ name, forms: formsOf(bytes, typeof secret === 'string' ? secret : null) })
    },
    masked(text) {
      const forms = all.flatMap((canary) => canary.forms.map(({ bytes }) => ({ name: canary.name, text: bytes.toString('latin1') })))
      const longestFirst = forms.sort((a, b) => b.text.length - a.text.length)
      const hidden = longestFirst.reduce((left, one) => left.replaceAll(one.text, `[${one.name}]`), Buffer.from(text).toString('latin1'))
      return Buffer.from(hidden, 'latin1').toString()
    },
  }
}

function formsOf(bytes: Buffer, text: string | null): Canary['forms'] {
  const forms = new Map<string, string>()
  const add = (form: string, bytesOrText: string | Buffer) => {
    const latin = Buffer.from(bytesOrText).toString('latin1')
    if (!forms.has(latin)) forms.set(latin, form)
  }
  add('plain', bytes)
  if (text !== null) {
    add('in JSON', JSON.stringify(text).slice(1, -1))
    add('URL-encoded', encodeURIComponent(text))
    add('in a form', new URLSearchParams({ a: text }).toString().slice(2))
    add(
      'in HTML',
      text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&#34;').replaceAll("'", '&#39;'),
    )
    add('in UTF-16', Buffer.from(text, 'utf16le'))
  }
  const hex = bytes.toString('hex')
  add('hex', hex)
  add('hex', hex.toUpperCase())
  for (const before of [0, 1, 2]) {
    const base64 = alignedBase64(bytes, before)
    for (const written of [base64, base64.replaceAll('+', '-').replaceAll('/', '_'), encodeURIComponent(base64)]) add('base64', written)
  }
  return [...forms].map(([latin, form]) => ({ form, bytes: Buffer.from(latin, 'latin1') }))
}

/**
 * What is sure to stand in the base64 of anything that holds those bytes after a number of others: three bytes make four
 * characters, so that there are three such texts, and the characters at the ends depend on the neighbours.
 */
function alignedBase64(bytes: Buffer, before: number): string {
  const encoded = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  const isWhole = (before + bytes.length) % 3 === 0
  return encoded.slice(before === 0 ? 0 : before + 1, isWhole ? undefined : -1)
}
