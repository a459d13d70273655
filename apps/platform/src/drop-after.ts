import type { Binding } from '@asheville/service'
import type { KeptReplies } from './kept-replies.ts'

/**
 * A route that may change something of a person (any but a GET), after which none of their kept replies is left: before it is answered, and also when
 * it fails, as it may have changed a part.
 */
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
