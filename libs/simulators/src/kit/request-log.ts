/** One request: `path` with its query, secrets taken out; `status` null when no answer left; `ms` until the end. */
export type LogEntry = {
  number: number
  at: string
  method: string
  path: string
  route: string
  caller: string
  status: number | null
  fault: string | null
  ms: number
}

const secretParameters = [
  'access_token',
  'refresh_token',
  'fb_exchange_token',
  'input_token',
  'appsecret_proof',
  'client_secret',
  'code',
  'code_verifier',
  'token',
  'password',
  'state',
]

/** Keeps the newest `keep` requests, never a token. */
export function createRequestLog(keep = 10_000) {
  let entries: LogEntry[] = []
  let number = 0
  return {
    add(entry: Omit<LogEntry, 'number'>) {
      entries.push({ number: ++number, ...entry })
      if (entries.length > keep * 1.2) entries = entries.slice(-keep)
    },
    entries(): LogEntry[] {
      return entries.slice(-keep)
    },
    clear() {
      entries = []
    },
  }
}
export type RequestLog = ReturnType<typeof createRequestLog>

/** The path and query of an address with the values of secret parameters replaced. */
export function loggedPath(url: URL): string {
  if (url.search === '') return url.pathname
  const query = new URLSearchParams(url.search)
  for (const name of secretParameters) if (query.has(name)) query.set(name, 'hidden')
  return `${url.pathname}?${query}`
}
