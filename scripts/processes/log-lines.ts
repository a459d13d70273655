/** What of a service's output a person at the terminal must see: warnings and errors (pino levels from 40 on), one line each. */
export function readableLine(service: string, line: string): string | null {
  const entry = parse(line)
  if (entry === null || typeof entry['level'] !== 'number' || entry['level'] < 40) return null
  const time = new Date(typeof entry['time'] === 'number' || typeof entry['time'] === 'string' ? entry['time'] : Date.now())
  const clock = Number.isNaN(time.getTime()) ? '' : `${time.toTimeString().slice(0, 8)} `
  const message = typeof entry['msg'] === 'string' ? entry['msg'] : ''
  const cause = errorMessage(entry['err']) ?? errorMessage(entry['error'])
  const why = cause === null || message.includes(cause) ? '' : message === '' ? cause : ` (${cause})`
  const request = typeof entry['requestId'] === 'string' ? ` [${entry['requestId']}]` : ''
  return `${clock}${service} ${entry['level'] >= 50 ? 'error' : 'warning'}: ${oneLine(message + why)}${request}`
}

/** The line of a dead process' output that says most about why: its last error, else its last words. */
export function lastWordsOf(tail: readonly string[]): string {
  for (const line of [...tail].reverse()) {
    const entry = parse(line)
    if (entry !== null && typeof entry['level'] === 'number' && entry['level'] >= 50) {
      const message = typeof entry['msg'] === 'string' ? entry['msg'] : ''
      return oneLine([message, errorMessage(entry['err'])].filter((part) => part !== null && part !== '').join(': '))
    }
    if (entry === null && /^\S*(Error|Exception)\b.*: /.test(line)) return oneLine(line)
  }
  return oneLine(tail.findLast((line) => line.trim() !== '' && parse(line) === null) ?? '')
}

function parse(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return null
  }
}

function errorMessage(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null
  return 'message' in error && typeof error.message === 'string' ? error.message : null
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s*\n\s*/g, ' ').trim()
  return line.length > 400 ? `${line.slice(0, 399)}…` : line
}
