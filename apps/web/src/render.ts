import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ejs from 'ejs'
import { escapeHtml } from './html.ts'

const root = fileURLToPath(new URL('.', import.meta.url))
const functions = new Map<string, (locals: object) => string>()

/** What every template is given besides its model `m`: named here, so that nothing else is in reach. */
const localNames = ['m', 't', 'fmt', 'icon', 'mark', 'asset', 'page']

/**
 * Fills in a template below `src` (`pages/home/view.ejs`). `<%=` escapes all but `SafeHtml`; `<%-` is for includes alone.
 * Paths of includes come from templates and our own code, never from a request.
 */
export function renderTemplate(path: string, locals: Readonly<Record<string, unknown>>): string {
  let fill = functions.get(path)
  if (!fill) {
    const filename = root + path
    fill = ejs.compile(readFileSync(filename, 'utf8'), {
      filename,
      root,
      views: [`${root}views`],
      cache: true,
      strict: true,
      destructuredLocals: localNames,
      escape: escapeHtml,
    }) as (locals: object) => string
    functions.set(path, fill)
  }
  return fill(locals)
}
