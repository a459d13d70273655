import type { Answered, Sent } from './send.ts'

/** One call that went otherwise than it must. */
export interface Fault {
  route: string
  case: string
  what: string
}

/** Collects what went wrong, so that one run shows all of it; counts what was tried. */
export interface Verdict {
  readonly faults: Fault[]
  readonly counts: Map<string, number>
  /** Notes the answer, and looks for what must be in none. */
  check(route: string, name: string, answered: Answered, allowed: readonly number[]): void
  say(route: string, name: string, what: string): void
}

export function createVerdict(canaries: readonly string[]): Verdict {
  const faults: Fault[] = []
  const counts = new Map<string, number>()
  const say: Verdict['say'] = (route, name, what) => void faults.push({ route, case: name, what })
  return {
    faults,
    counts,
    say,
    check(route, name, { status, headers, text }, allowed) {
      counts.set(String(status), (counts.get(String(status)) ?? 0) + 1)
      const isToSignIn = status === 303 && /^\/sign-in(\?|$)/.test(String(headers['location']))
      if (!allowed.includes(status) && !(isToSignIn && allowed.includes(401))) say(route, name, `answered ${status}: ${text.slice(0, 200)}`)
      const whole = `${text} ${JSON.stringify(headers)}`
      if (canaries.some((canary) => whole.includes(canary))) say(route, name, 'told what is the victim’s')
    },
  }
}

/** What differs from answer to answer for everybody: request ids, nonces, form tokens, dates. */
export function comparable({ status, headers, text }: Answered, sent: Sent, ids: readonly string[]): string {
  const varying = [headers['x-request-id'], /'nonce-([^']+)'/.exec(String(headers['content-security-policy']))?.[1], ...ids]
  let body = text.replace(/name="_csrf" value="[^"]*"/g, '')
  for (const one of varying)
    if (typeof one === 'string' && one !== '') body = body.replaceAll(one, '…').replaceAll(encodeURIComponent(one), '…')
  return `${status} ${String(headers['content-type'])} ${String(headers['location'] ?? '').replaceAll(/[0-9a-f-]{36}/g, '…')} ${sent.method} ${body}`
}

export function figures(title: string, counts: ReadonlyMap<string, number>, ...more: string[]): void {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const by = [...counts].sort().map(([status, count]) => `${count} × ${status}`)
  process.stderr.write(`${title}: ${[`${total} calls`, ...by, ...more].join(', ')}\n`)
}
