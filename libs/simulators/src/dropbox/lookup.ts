import { EndpointError } from './errors.ts'
import { ancestorsOf, parsePath } from './paths.ts'
import { malformed } from './tree.ts'
import type { FileNode, Node } from './tree.ts'
import type { Tagged } from './types.ts'
import type { Place } from './world.ts'

/** What a path, an id or a revision names; else a `LookupError`. */
export function lookUp({ tree, account }: Place, given: string): { node: Node } | { fault: Tagged } {
  const notFound = { fault: { '.tag': 'not_found' } }
  if (given.startsWith('id:')) return found(tree.byId(given))
  if (given.startsWith('rev:')) return found(tree.byRev(given.slice('rev:'.length)))
  const path = parsePath(inNamespace(given, account.rootNamespace) ?? 'elsewhere')
  if (!path) return given.startsWith('ns:') ? notFound : { fault: malformed }
  return found(tree.get(path.key))

  function found(node: Node | null) {
    return node ? { node } : notFound
  }
}

/** The same for an error that calls it `path`. */
export function fileAt(place: Place, given: string): FileNode {
  const result = lookUp(place, given)
  if ('fault' in result) throw new EndpointError({ '.tag': 'path', path: result.fault })
  if (result.node.kind === 'folder') throw new EndpointError({ '.tag': 'path', path: { '.tag': 'not_file' } })
  return result.node
}

/** The key of a folder to be listed; the root is the empty text. */
export function folderKeyAt(place: Place, given: string): string {
  const fail = (fault: Tagged) => new EndpointError({ '.tag': 'path', path: fault })
  if (inNamespace(given, place.account.rootNamespace) === '') return ''
  const result = lookUp(place, given)
  if ('fault' in result) throw fail(result.fault)
  if (result.node.kind === 'file') throw fail({ '.tag': 'not_folder' })
  return result.node.key
}

/** Whether there is still such a folder. */
export function folderIsThere(place: Place, key: string): boolean {
  return place.tree.hasFolder(key) && [...ancestorsOf(key)].every((above) => place.tree.hasFolder(above))
}

/** A path without its `ns:`; null where that is not the account's own. */
function inNamespace(given: string, own: string): string | null {
  if (!given.startsWith('ns:')) return given
  const [, id, rest] = /^ns:(\d+)(.*)$/s.exec(given)!
  return id === own ? rest! : null
}
