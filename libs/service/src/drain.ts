import { Server as TcpServer } from 'node:net'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { IncomingMessage, Server } from 'node:http'
import { AshevilleError } from '@asheville/core'
import type { Response } from 'express'
import type { Context } from './context.ts'

/** How long idle connections may still bring the request that was on its way when we stopped listening. */
const lingerMs = 150
/** How long connections that the system has accepted for us are taken, before we stop listening. */
const takeMs = 500
/** How long a body that nobody wants may stand still, and how often it is looked at. */
const unreadMs = 1000
const mostLooks = 30

/** Follows the requests of a server, to end well: nothing in flight is cut off, nothing new begins. */
export function createDrain(server: Server): { add(context: Context): void; close(deadlineMs: number): Promise<void> } {
  const open = new Set<Context>()
  let isClosing = false
  let onEmpty: () => void = () => undefined

  const endStream = (context: Context) => {
    if (!isEventStream(context.response)) return
    context.abort(new AshevilleError('cancelled', 'The service is stopping'))
    context.response.end()
  }

  const add = (context: Context) => {
    const { request, response } = context
    open.add(context)
    if (isClosing) response.set('connection', 'close')
    response.once('close', () => {
      open.delete(context)
      if (open.size === 0) onEmpty()
      if (!request.complete) discard(request)
    })
  }

  const close = async (deadlineMs: number) => {
    isClosing = true
    const closed = new Promise<void>((resolve) => server.once('close', () => resolve()))
    await takeWaiting(server)
    // http.Server's own close would cut idle connections at once, and with them requests that are just arriving.
    TcpServer.prototype.close.call(server)
    for (const { response } of open) if (!response.headersSent) response.set('connection', 'close')
    for (const context of open) endStream(context)
    await pause(lingerMs)
    for (const context of open) endStream(context)
    const empty = new Promise<void>((resolve) => {
      onEmpty = resolve
      if (open.size === 0) resolve()
    })
    await atMost(deadlineMs - lingerMs, empty)
    for (const context of open) context.abort(new AshevilleError('cancelled', 'The service is stopping'))
    server.closeIdleConnections()
    if (open.size > 0) server.closeAllConnections()
    else await atMost(500, closed)
    server.closeAllConnections()
    await closed
  }

  return { add, close }
}

/**
 * Takes the connections that the system has accepted for us: with the listener they would be reset. One is taken a turn of the loop
 * (libuv 1.45 and later), so a busy process may have many of them; new ones keep coming, and so there is an end to it.
 */
async function takeWaiting(server: Server): Promise<void> {
  const until = performance.now() + takeMs
  let hasTaken = true
  const onConnection = () => (hasTaken = true)
  server.on('connection', onConnection)
  // What is left of this turn.
  await nextTurn()
  while (hasTaken && performance.now() < until) {
    hasTaken = false
    await nextTurn()
  }
  server.off('connection', onConnection)
}

/** What nobody read stands between the sender and its next answer on this connection: it is taken off it, for as long as it comes. */
function discard(request: IncomingMessage): void {
  request.unpipe()
  request.resume()
  const { socket } = request
  let [seen, looks] = [socket.bytesRead, 0]
  const look = (): void => {
    if (request.complete || socket.destroyed) return clearInterval(timer)
    if (socket.bytesRead > seen && (looks += 1) < mostLooks) seen = socket.bytesRead
    else request.destroy()
  }
  // After what the system has for us already was read, however late this comes.
  const timer = setInterval(() => setImmediate(look), unreadMs)
  timer.unref()
}

export function isEventStream(response: Response): boolean {
  return String(response.getHeader('content-type')).startsWith('text/event-stream')
}

function atMost(ms: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    void work.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
