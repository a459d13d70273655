import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import { renditionSizes } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { limits, type Focus, type Rendered, type RenderReply, type RenderRequest } from './rendered.ts'

export interface Renderer {
  /**
   * Looks at a picture, which is loaded when its turn comes: those that somebody waits for have theirs first. Errors: those of loading;
   * `invalid` with the reason for one that cannot be rendered within the limits, whatever it did to the process that tried; `unavailable`
   * when there is no such process.
   */
  render(load: () => Promise<Uint8Array>, focus: Focus | null, options?: { isUrgent?: boolean }): Promise<Rendered>
  close(): Promise<void>
}

interface Waiting {
  load: () => Promise<Uint8Array>
  focus: Focus | null
  resolve(rendered: Rendered): void
  reject(error: Error): void
}

/** Without a picture for so long, the process ends: most of the time there is nothing to render. */
const idleMs = 60_000
/** Pictures that are loaded while one is looked at. */
const loadedAtOnce = 3

/** Renders in a process of its own, which is started when it is first needed and again after it died. */
export function createRenderer(): Renderer {
  const waiting: Waiting[] = []
  let child: ChildProcess | null = null
  let working = 0
  let isClosed = false
  let idle: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  async function work(): Promise<void> {
    if (working === loadedAtOnce) return
    working += 1
    clearTimeout(idle)
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { load, focus, resolve, reject } = next
      try {
        const input = await load()
        const rendering = last.then(() => renderOne({ input, focus, edges: renditionSizes }))
        last = rendering.catch(() => undefined)
        resolve(await rendering)
      } catch (error) {
        reject(error as Error)
      }
    }
    working -= 1
    if (working === 0) idle = setTimeout(endChild, idleMs).unref()
  }

  async function renderOne(request: RenderRequest): Promise<Rendered> {
    if (isClosed) throw closedError()
    if (!child?.connected) child = await startChild()
    if (isClosed) endChild()
    if (!child) throw closedError()
    const reply = await ask(child, request)
    if (reply === null) endChild()
    if (reply?.kind === 'rendered') return reply.rendered
    if (isClosed) throw closedError()
    throw new AshevilleError('invalid', reply?.kind === 'refused' ? reply.reason : 'It takes too much memory or time')
  }

  function endChild(): void {
    child?.kill('SIGKILL')
    child = null
  }

  return {
    render(load, focus, { isUrgent = false } = {}) {
      if (isClosed) return Promise.reject(closedError())
      return new Promise((resolve, reject) => {
        waiting[isUrgent ? 'unshift' : 'push']({ load, focus, resolve, reject })
        void work()
      })
    },
    async close() {
      isClosed = true
      clearTimeout(idle)
      for (const { reject } of waiting.splice(0)) reject(closedError())
      const ended = child
      endChild()
      if (ended && ended.exitCode === null && ended.signalCode === null) await once(ended, 'exit')
    },
  }
}

const closedError = () => new AshevilleError('unavailable', 'No more pictures are rendered here', { retryAfterMs: 2000 })

async function startChild(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'render-process.ts'), {
    // Fewer arenas: what libvips gives back goes back to the system.
    env: { MALLOC_ARENA_MAX: '2' },
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  child.on('error', () => undefined)
  // Platform ends without waiting for it; it ends with platform.
  child.unref()
  child.channel?.unref()
  const first = await nextReply(child, 30_000)
  if (first?.kind !== 'ready') {
    child.kill('SIGKILL')
    throw new AshevilleError('unavailable', 'The process that renders pictures does not start', { retryAfterMs: 30_000 })
  }
  if (child.pid !== undefined) await giveWay(child.pid)
  return child
}

/** Whoever waits for an answer goes first. On Linux a priority is a thread's own, and it is not the first that decodes. */
async function giveWay(pid: number): Promise<void> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [String(pid)])
  for (const thread of threads)
    try {
      setPriority(Number(thread), constants.priority.PRIORITY_BELOW_NORMAL)
    } catch {
      // It has ended meanwhile.
    }
}

/** Null when it ended over it, or takes too long. */
async function ask(child: ChildProcess, request: RenderRequest): Promise<RenderReply | null> {
  const replying = nextReply(child, limits.ms)
  child.send(request, () => undefined)
  return replying
}

/** Null when it ends or takes too long. */
function nextReply(child: ChildProcess, withinMs: number): Promise<RenderReply | null> {
  return new Promise((resolve) => {
    const end = (reply: RenderReply | null) => {
      clearTimeout(timer)
      child.off('message', end as (message: unknown) => void)
      child.off('exit', gone)
      resolve(reply)
    }
    const gone = () => end(null)
    const timer = setTimeout(gone, withinMs)
    child.once('message', end as (message: unknown) => void)
    child.once('exit', gone)
    if (child.exitCode !== null || child.signalCode !== null) gone()
  })
}
