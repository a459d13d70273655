import type { LiveEvent } from '@asheville/clients'
import { addRunning, publishEvent, removeRunning, streamKey } from '@asheville/jobs'
import type { Redis } from '@asheville/redis'

/** What is over sooner nobody would see. */
const noticeableMs = 500

/** Work on a stream, for who looks at it: in `running:<user_id>`, and as live events. Nothing waits for it, and that Redis is away is nobody's fault. */
export interface ShownWork {
  /** Shows it now; otherwise that is done as soon as it has taken long enough to be seen. */
  show(): void
  tell(event: LiveEvent): void
  /** It is over, and shown no more; answers whether it was. */
  end(): boolean
}

/** `isNew`: it begins, and does not only go on. */
export function showWork(
  redis: Redis,
  { userId, connectionId, stream, isNew }: { userId: string; connectionId: string; stream: string; isNew: boolean },
): ShownWork {
  const key = streamKey(connectionId, stream)
  let isShown = false
  const tell = (event: LiveEvent) => void publishEvent(redis, userId, event).catch(() => undefined)
  const show = () => {
    clearTimeout(timer)
    if (isShown) return
    isShown = true
    addRunning(redis, userId, key).catch(() => undefined)
    if (isNew) tell({ type: 'stream', connectionId, stream, state: 'running' })
  }
  const timer = setTimeout(show, noticeableMs)
  return {
    show,
    tell,
    end() {
      clearTimeout(timer)
      if (isShown) removeRunning(redis, userId, key).catch(() => undefined)
      return isShown
    },
  }
}
