import { isoSeconds } from './metadata.ts'
import type { FileNode } from './tree.ts'
import type { DropboxAccountTruth, DropboxTruth } from './types.ts'
import type { Place } from './world.ts'

/** What every account holds, in the order of paths. */
export function createTruth(places: readonly Place[]): () => DropboxTruth {
  return () => Object.fromEntries(places.map((place) => [place.account.name, truthOf(place)]))
}

function truthOf({ tree }: Place): DropboxAccountTruth {
  const all = tree.list('', true)
  const files = all.filter((node): node is FileNode => node.kind === 'file')
  return {
    ...tree.space(),
    folders: all.filter((node) => node.kind === 'folder').map((node) => tree.displayOf(node)),
    files: files.map((node) => ({
      path: tree.displayOf(node),
      bytes: node.content.size,
      sha256: node.content.sha256,
      contentHash: node.content.hash,
      rev: node.rev,
      clientModified: isoSeconds(node.clientModified),
    })),
  }
}
