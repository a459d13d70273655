import { albumKinds } from './album-kinds.ts'
import { eventKind } from './event-kind.ts'
import type { Media } from './media.ts'
import { pageKind, placeTagKind } from './page-kind.ts'
import { postKind } from './post-kind.ts'
import { userKind } from './user-kind.ts'
import { videoKind } from './video-kind.ts'
import type { World } from './world.ts'

/** The kinds of objects, by the reference of Graph API. */
export function createNodeKinds(world: World, media: Media) {
  return {
    user: userKind(media),
    post: postKind(media),
    ...albumKinds(world, media),
    video: videoKind(media),
    event: eventKind(),
    page: pageKind(media),
    placeTag: placeTagKind,
  }
}
export type NodeKinds = ReturnType<typeof createNodeKinds>
