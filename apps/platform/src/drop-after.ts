import type { Binding } from '@asheville/service'
import type { KeptReplies } from './kept-replies.ts'

/** Whatever a route changed, wholly or in part, the person reads it from then on: any but a GET may have changed something. */
export function dropAfter(binding: Binding, replies: Pick<KeptReplies, 'drop'>): Binding {
  if (binding.kind !== 'api' || binding.method === 'GET') return binding
  const { handle } = binding
  return {
    ...binding,
    async handle(call: Parameters<typeof handle>[0]) {
      try {
        return await handle(call)
      } finally {
        if (call.userId !== null) await replies.drop(call.userId)
      }
    },
  }
}
