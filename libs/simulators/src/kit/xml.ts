/** Escapes text for XML and HTML, leaving out what XML 1.0 cannot hold at all (production 2, Char). */
export function escapeXml(text: string): string {
  return cleanXml(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** Text as a CDATA section; one that holds the end mark is split in two. */
export function cdata(text: string): string {
  return `<![CDATA[${cleanXml(text).replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
}

/** An element with escaped text, or nothing for null. */
export function element(name: string, text: string | null, attributes = ''): string {
  return text === null ? '' : `<${name}${attributes}>${escapeXml(text)}</${name}>`
}

function cleanXml(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
}
