import type { AnyQueue } from './queue-backend.ts'

/** Queues by name, each opened when it is first used; one that could not be opened is tried anew the next time. */
export function createQueueCache(open: (name: string) => Promise<AnyQueue>): {
  get(name: string): Promise<AnyQueue>
  close(): Promise<void>
} {
  const queues = new Map<string, Promise<AnyQueue>>()
  return {
    get(name) {
      const known = queues.get(name)
      if (known) return known
      const opened = open(name)
      queues.set(name, opened)
      opened.catch(() => queues.delete(name))
      return opened
    },
    async close() {
      await Promise.allSettled([...queues.values()].map(async (queue) => (await queue).close()))
    },
  }
}
