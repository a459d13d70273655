import type { Change, FileNode, FolderNode, Node, Tree } from './tree.ts'
import type { Tagged } from './types.ts'

export function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

export function fileMetadata(tree: Tree, node: FileNode) {
  return {
    name: node.name,
    path_lower: node.key,
    path_display: tree.displayOf(node),
    id: node.id,
    client_modified: isoSeconds(node.clientModified),
    server_modified: isoSeconds(node.serverModified),
    rev: node.rev,
    size: node.content.size,
    is_downloadable: true,
    content_hash: node.content.hash,
  }
}

export function folderMetadata(tree: Tree, node: FolderNode) {
  return { name: node.name, path_lower: node.key, path_display: tree.displayOf(node), id: node.id }
}

/** The metadata of either with its tag. */
export function taggedMetadata(tree: Tree, node: Node): Tagged {
  return node.kind === 'file' ? { '.tag': 'file', ...fileMetadata(tree, node) } : { '.tag': 'folder', ...folderMetadata(tree, node) }
}

export function deletedMetadata({ name, key, path }: Change): Tagged {
  return { '.tag': 'deleted', name, path_lower: key, path_display: path }
}
