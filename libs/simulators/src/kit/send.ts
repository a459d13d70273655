import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultKind } from './faults.ts'
import type { Answer } from './router.ts'

/** How many bytes of a body of unknown length pass before a fault cuts it. */
const defaultCut = 1024

type Body = { type: string | null; length: number | null; chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array> }

/** Sends an answer, cut short by a fault if one says so. Returns the bytes of body sent; throws nothing when the client leaves. */
export async function sendAnswer(response: ServerResponse, answer: Answer, fault: FaultKind | null, signal: AbortSignal): Promise<number> {
  const body = bodyOf(answer)
  const whole = response.req.method === 'HEAD' ? null : body
  const cut = whole === null ? null : cutOf(fault, whole.length)
  response.statusCode = answer.status ?? 200
  if (body.type !== null) response.setHeader('content-type', body.type)
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
  const promised = cut?.kind === 'truncated' && body.length !== null ? Math.min(cut.at, body.length) : body.length
  if (promised !== null && response.statusCode !== 304 && response.statusCode !== 204) response.setHeader('content-length', promised)
  if (whole === null || response.destroyed) return endOf(response)
  response.flushHeaders()
  let sent = 0
  for await (const chunk of whole.chunks()) {
    if (response.destroyed) return sent
    const part = cut ? chunk.subarray(0, Math.max(0, cut.at - sent)) : chunk
    sent += part.length
    if (part.length > 0 && !response.write(part)) await once(response, 'drain', { signal }).catch(() => undefined)
    if (cut && sent >= cut.at && (await cutOff(response, cut, signal))) return sent
    if (cut && part.length < chunk.length) {
      response.write(chunk.subarray(part.length))
      sent += chunk.length - part.length
    }
  }
  endOf(response)
  return sent
}

type Cut = { kind: 'reset' | 'short-body' | 'truncated' | 'stall'; at: number; ms: number | null }

function cutOf(fault: FaultKind | null, length: number | null): Cut | null {
  const at = (afterBytes: number | undefined) => afterBytes ?? (length === null ? defaultCut : Math.floor(length / 2))
  switch (fault?.kind) {
    case 'reset':
    case 'short-body':
    case 'truncated':
      return { kind: fault.kind, at: at(fault.afterBytes), ms: null }
    case 'stall':
      return fault.in === 'body' ? { kind: 'stall', at: at(fault.afterBytes), ms: fault.ms ?? null } : null
    default:
      return null
  }
}

/** Carries out the cut; true when nothing more may be sent. */
async function cutOff(response: ServerResponse, cut: Cut, signal: AbortSignal): Promise<boolean> {
  if (cut.kind === 'truncated') {
    endOf(response)
    return true
  }
  if (cut.kind === 'stall') {
    await silence(signal, cut.ms)
    cut.at = Infinity
    return response.destroyed
  }
  await sleep(10, undefined, { signal }).catch(() => undefined)
  if (cut.kind === 'reset') response.socket?.resetAndDestroy()
  else response.socket?.end()
  return true
}

/** Says nothing for `ms`, or until the client leaves or the simulator closes. */
export async function silence(signal: AbortSignal, ms: number | null): Promise<void> {
  if (signal.aborted) return
  if (ms === null) await once(signal, 'abort')
  else await sleep(ms, undefined, { signal }).catch(() => undefined)
}

function endOf(response: ServerResponse): number {
  if (!response.destroyed) response.end()
  return 0
}

function bodyOf(answer: Answer): Body {
  if (answer.stream) {
    const stream = answer.stream
    return { type: null, length: answer.length ?? null, chunks: () => stream }
  }
  const [type, bytes] = bytesOf(answer)
  return { type, length: bytes.length, chunks: () => [bytes] }
}

/** The same answer with its body as bytes already, so that nothing is left to compute when it is sent. */
export function encode(answer: Answer): Answer {
  if (answer.stream) return answer
  const [type, bytes] = bytesOf(answer)
  return { ...answer, bytes, headers: { ...(type !== null && { 'content-type': type }), ...answer.headers } }
}

function bytesOf(answer: Answer): [string | null, Uint8Array] {
  if (answer.bytes) return [null, answer.bytes]
  if (answer.html !== undefined) return ['text/html; charset=utf-8', Buffer.from(answer.html)]
  if (answer.text !== undefined) return ['text/plain; charset=utf-8', Buffer.from(answer.text)]
  if ('json' in answer) return ['application/json; charset=utf-8', Buffer.from(JSON.stringify(answer.json))]
  return [null, new Uint8Array()]
}
