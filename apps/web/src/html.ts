/** Markup that is safe to put into a page as it is: made by `html` from escaped parts, or by the sanitiser. */
export class SafeHtml {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }

/** What `<%=` writes: anything as escaped text, `SafeHtml` as it is, null and undefined as nothing. */
export function escapeHtml(value: unknown): string {
  if (value instanceof SafeHtml) return value.text
  if (value === null || value === undefined) return ''
  return String(value).replace(/[&<>"']/g, (character) => entities[character] ?? character)
}

/** A template tag: every value is escaped unless it is `SafeHtml` itself. */
export function html(strings: TemplateStringsArray, ...values: unknown[]): SafeHtml {
  return new SafeHtml(strings.reduce((text, part, index) => text + escapeHtml(values[index - 1]) + part))
}
