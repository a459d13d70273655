import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import type { AppControllerRoute, BullBoardQueues, IServerAdapter, UIConfig } from '@bull-board/api/dist/types.js'
import { AshevilleError } from '@asheville/core'
import type { Queue } from 'bullmq'
import { queueName } from './names.ts'
import type { AnyQueue, QueueBackend } from './queue-backend.ts'
import { syncJobDataSchema } from './sync-job.ts'

/** What the browser's part of bull-board asks of its server. */
export interface BoardRequest {
  method: string
  /** Below `/api`, decoded: `/queues`. */
  path: string
  query: Readonly<Record<string, string>>
  /** Only then anything is changed. */
  isUnlocked: boolean
}

export interface BoardAnswer {
  status: number
  body: unknown
}

/** What bull-board's API is told of its surroundings. */
const boardConfig: UIConfig = { boardTitle: 'Queues', hideDocsLink: true, hideRedisDetails: true, hasHistoryProvider: false }

/**
 * What may be changed once it is unlocked. Jobs come from accounts, and so do pauses and limits: jobs that were added here would belong to
 * nobody's sync, and a pause would be undone.
 */
const changes = new Set([
  '/api/queues/:queueName/retry/:queueStatus',
  '/api/queues/:queueName/promote',
  '/api/queues/:queueName/clean/:queueStatus',
  '/api/queues/:queueName/:jobId/retry',
  '/api/queues/:queueName/:jobId/clean',
  '/api/queues/:queueName/:jobId/promote',
])

/**
 * bull-board's API on the queues of these networks, for whoever has made sure that it is the owner who asks. It is read-only unless unlocked,
 * and shows ids of jobs, and in short why they failed. It brings no server along: it answers our own routes, behind their policies.
 *
 * @see https://github.com/felixmosh/bull-board
 */
export function createBoard(
  backend: QueueBackend,
  networks: readonly { id: string; title: string }[],
): (request: BoardRequest) => Promise<BoardAnswer> {
  let built: Promise<Built> | null = null
  return async ({ method, path, query, isUnlocked }) => {
    built ??= build(backend, networks)
    built.catch(() => (built = null))
    const { routes, locked, unlocked, fail } = await built
    const verb = method.toLowerCase()
    for (const route of routes) {
      const params = [route.method].flat().includes(verb as 'get') ? paramsOf(route.route, `/api${path}`) : null
      if (!params) continue
      if (verb !== 'get' && !isUnlocked) throw new AshevilleError('forbidden', 'The board is read-only until it is unlocked')
      if (verb !== 'get' && ![route.route].flat().every((each) => changes.has(each)))
        throw new AshevilleError('forbidden', 'Here jobs are retried, promoted and removed, and nothing else is changed')
      const request = { queues: isUnlocked ? unlocked : locked, uiConfig: boardConfig, query, params, body: {}, headers: {} }
      const answer = await Promise.resolve(route.handler(request)).catch((error: Error) => fail(error))
      return { status: answer.status ?? 200, body: withoutTraces(answer.body) }
    }
    throw new AshevilleError('not-found', 'There is nothing here')
  }
}

interface Built {
  routes: readonly AppControllerRoute[]
  locked: BullBoardQueues
  unlocked: BullBoardQueues
  fail: Parameters<IServerAdapter['setErrorHandler']>[0]
}

async function build(backend: QueueBackend, networks: readonly { id: string; title: string }[]): Promise<Built> {
  const queues = await Promise.all(networks.map(async ({ id, title }) => ({ queue: await backend.queue(queueName(id)), title })))
  const built: Partial<Built> = { unlocked: new Map(queues.map(({ queue, title }) => [queue.name, adapterOf(queue, title, false)])) }
  const server: IServerAdapter = {
    setQueues: (map) => ((built.locked = map), server),
    setErrorHandler: (handler) => ((built.fail = handler), server),
    setApiRoutes: (routes) => ((built.routes = routes), server),
    setViewsPath: () => server,
    setStaticPath: () => server,
    setEntryRoute: () => server,
    setUIConfig: () => server,
  }
  createBullBoard({
    queues: queues.map(({ queue, title }) => adapterOf(queue, title, true)),
    serverAdapter: server,
    options: { uiConfig: boardConfig },
  })
  return built as Built
}

function adapterOf(queue: AnyQueue, displayName: string, readOnlyMode: boolean): BullMQAdapter {
  // It goes by the datastore itself, whatever its types say.
  const adapter = new BullMQAdapter(queue as unknown as Queue, { displayName, readOnlyMode })
  adapter.setFormatter('data', (data: unknown) => idsOf(data))
  adapter.setFormatter('returnValue', () => null)
  adapter.setFormatter('progress', () => 0)
  return adapter
}

/** Of what a job carries only what we put there ourselves, which is ids. */
function idsOf(data: unknown): Record<string, unknown> {
  const known = Object.entries(Object(data) as object).filter(([name]) => name in syncJobDataSchema.shape)
  return Object.fromEntries(known.filter(([name, value]) => syncJobDataSchema.shape[name as 'syncId'].safeParse(value).success))
}

const inWords = new Set(['failedReason', 'deferredFailure', 'message'])
const longestReason = 300
/** Tokens, addresses with what they ask for: no words. */
const longWord = /[^\s"'`]{24,}/g

/** The same without the places in code where something failed, and with a short reason: the log has the rest. */
function withoutTraces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTraces)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]: [string, unknown]) => {
      if (name === 'stacktrace') return [name, []]
      if (inWords.has(name) && typeof inner === 'string') return [name, inner.replace(longWord, '…').slice(0, longestReason)]
      return [name, withoutTraces(inner)]
    }),
  )
}

/** What the `:names` of the first of these patterns stand for that fits; null: none does. */
function paramsOf(patterns: string | readonly string[], path: string): Record<string, string> | null {
  for (const pattern of [patterns].flat()) {
    const match = new RegExp(`^${pattern.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`).exec(path)
    if (match) return { ...match.groups }
  }
  return null
}
