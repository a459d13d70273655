/** A browser without scripts, as far as these tests need one: it keeps cookies, follows nothing, and fills in forms. */
export interface Visitor {
  readonly cookies: Map<string, string>
  get(path: string, headers?: Record<string, string>): Promise<Response>
  /** Sends a form as a page of ours would, with the token that the page at `from` holds. */
  submit(from: string, action: string, fields?: Record<string, string>, headers?: Record<string, string>): Promise<Response>
  post(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Response>
}

export function createVisitor(url: string, cookies: Record<string, string> = {}): Visitor {
  const jar = new Map(Object.entries(cookies))
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers)
    headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    if (!headers.has('accept')) headers.set('accept', 'text/html')
    const response = await fetch(url + path, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
    return response
  }
  const post: Visitor['post'] = (path, fields, headers = {}) => send(path, { method: 'POST', body: new URLSearchParams(fields), headers })
  return {
    cookies: jar,
    get: (path, headers = {}) => send(path, { headers }),
    post,
    async submit(from, action, fields = {}, headers = {}) {
      const token = tokenOf(await (await send(from, {})).text())
      return post(action, { _csrf: token, ...fields }, headers)
    },
  }
}

export function tokenOf(page: string): string {
  return /name="_csrf" value="([^"]+)"/.exec(page)?.[1] ?? ''
}
