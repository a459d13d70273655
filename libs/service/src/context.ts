import { randomUUID } from 'node:crypto'
import { AshevilleError } from '@asheville/core'
import type { Request, Response } from 'express'
import type { Binding } from './binding.ts'
import type { Logger } from './logger.ts'

/** What the chassis keeps of one request while it is answered. */
export interface Context {
  readonly request: Request
  readonly response: Response
  readonly requestId: string
  readonly signal: AbortSignal
  readonly startedAt: number
  log: Logger
  /** The matched route's path as it was declared; no addresses get into logs and metrics. */
  route: string
  /** What it matched; null for our own endpoints and static files. */
  binding: Binding | null
  abort(reason: AshevilleError): void
  addToLog(facts: Record<string, string>): void
}

/** A request id from another of our services or a proxy is kept when it looks like one. */
const requestIdPattern = /^[\w.-]{8,100}$/

export function createContext(request: Request, response: Response, logger: Logger): Context {
  const sent = request.headers['x-request-id']
  const requestId = typeof sent === 'string' && requestIdPattern.test(sent) ? sent : randomUUID()
  const controller = new AbortController()
  const context: Context = {
    request,
    response,
    requestId,
    signal: controller.signal,
    startedAt: performance.now(),
    log: logger.child({ requestId }),
    route: 'unmatched',
    binding: null,
    abort: (reason) => controller.abort(reason),
    addToLog: (facts) => {
      context.log = context.log.child(facts)
    },
  }
  // A handler that writes on after the end (the caller left, the service stops) must not end the process.
  response.on('error', (error) => context.log.debug({ error }, 'written after the end'))
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(new AshevilleError('cancelled', 'The caller went away'))
  })
  return context
}
