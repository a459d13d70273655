import type { Place } from './scan.ts'

/** A browser without scripts: keeps cookies, follows nothing, and notes down every answer that it gets. */
export interface RecordingBrowser {
  get(path: string, headers?: Record<string, string>): Promise<Page>
  /** Sends a form with the token of the page at `from`. */
  submit(from: string, action: string, fields?: Record<string, string>): Promise<Page>
  cookie(name: string): string | null
}

export interface Page {
  status: number
  location: string | null
  text: string
}

/** The one header in which a secret has to come. */
const sessionHeader = 'set-cookie'

/** `answers` takes every answer's status, headers and body, but for the cookies that it sets. */
export function createRecordingBrowser(origin: string, answers: Place[]): RecordingBrowser {
  const jar = new Map<string, string>()

  async function send(path: string, init: RequestInit): Promise<Page> {
    const headers = new Headers(init.headers)
    headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    if (!headers.has('accept')) headers.set('accept', 'text/html')
    const response = await fetch(origin + path, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      // Of the two that a browser on this machine is offered, this one is taken by every client.
      if (name.startsWith('__Host-')) continue
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
    const bytes = Buffer.from(await response.arrayBuffer())
    const head = [...response.headers].filter(([name]) => name !== sessionHeader).map((pair) => pair.join(': '))
    const place = `answer ${response.status} to ${init.method ?? 'GET'} ${path.split('?')[0]!}`
    answers.push({ name: place, bytes: Buffer.concat([Buffer.from(head.join('\n')), bytes]) })
    return { status: response.status, location: response.headers.get('location'), text: bytes.toString() }
  }

  return {
    get: (path, headers = {}) => send(path, { headers }),
    async submit(from, action, fields = {}) {
      const { text } = await send(from, {})
      const [, token = ''] = /name="_csrf" value="([^"]+)"/.exec(text) ?? []
      return send(action, { method: 'POST', body: new URLSearchParams({ _csrf: token, ...fields }), headers: { origin } })
    },
    cookie: (name) => jar.get(name) ?? null,
  }
}
