/** What is read of an HTML text, white space aside: where it breaks lines is a matter of markup. */
export function wordsOf(html: unknown): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return (typeof html === 'string' ? html : '')
    .replace(/<[^<>]*>/g, '')
    .replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name?: string) =>
      code ? String.fromCodePoint(Number(code)) : (named[name ?? ''] ?? whole),
    )
    .replace(/\s+/g, '')
}
