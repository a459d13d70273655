import type { AskedField } from './asked-fields.ts'
import type { Request } from './calls.ts'
import type { Edges, Owner } from './edges.ts'
import { errors } from './errors.ts'
import type { NodeKinds } from './node-kinds.ts'
import { select } from './node-types.ts'
import type { Wire } from './node-types.ts'
import type { World } from './world.ts'

/** Finds what ids stand for, as far as the person who asks may see it. */
export function createObjects(world: World, kinds: NodeKinds, edges: Edges) {
  return {
    /** An object with the fields asked for. Graph has one error for what is not there and what is not for this person. */
    object(id: string, asked: AskedField[] | null, { person, view }: Request): Wire {
      const { may } = view
      if (id === 'me' || id === person.id) return select(kinds.user, person, asked, view)
      const node = world.nodes.get(id)
      if (node?.kind === 'page') return select(kinds.page, node, asked, view)
      if (node && node.owner === person && world.isShown(node)) {
        if (node.kind === 'post' && may('user_posts')) return select(kinds.post, node, asked, view)
        if (node.kind === 'photo' && (may('user_photos') || may('user_posts'))) return select(kinds.photo, node, asked, view)
        if (node.kind === 'video' && (may('user_videos') || may('user_posts'))) return select(kinds.video, node, asked, view)
        if (node.kind === 'album' && may('user_photos')) return select(kinds.album, node, asked, view)
        if (node.kind === 'event' && may('user_events')) return select(kinds.event, node, asked, view)
      }
      const tag = node === undefined && may('user_tagged_places') ? edges.placeTags(person).find((one) => one.id === id) : undefined
      if (tag && world.isShown(tag)) return select(kinds.placeTag, tag, asked, view)
      throw errors.missing(id)
    },
    /** Whose listing a path means: the person's, or an album's. */
    ownerOf(id: string, edge: string, { person }: Request): Owner {
      if (id === 'me' || id === person.id) return person
      const node = world.nodes.get(id)
      if (!node || node.kind === 'page' || node.owner !== person || !world.isShown(node)) throw errors.missing(id)
      if (node.kind === 'album' && edge === 'photos') return node
      throw errors.noField(edge, node.kind[0]!.toUpperCase() + node.kind.slice(1))
    },
  }
}
export type Objects = ReturnType<typeof createObjects>
