const warnings = new Set(['warn'])
const errors = new Set(['error', 'fatal'])

/**
 * What of a service's output a person at the terminal must see: warnings and errors, one line each. null for the rest, and
 * while everything `isStarting` for warnings that another part is not there yet.
 */
export function readableLine(service: string, line: string, isStarting = false): string | null {
  const entry = parse(line)
  if (entry === null) return null
  const level = String(entry['level'])
  if (!warnings.has(level) && !errors.has(level)) return null
  if (isStarting && warnings.has(level) && field(entry['error'], 'kind') === 'unavailable') return null
  const time = new Date(String(entry['time']))
  const clock = Number.isNaN(time.getTime()) ? '' : `${time.toTimeString().slice(0, 8)} `
  const request = typeof entry['requestId'] === 'string' ? ` [${entry['requestId']}]` : ''
  return `${clock}${service} ${errors.has(level) ? 'error' : 'warning'}: ${messageOf(entry)}${request}`
}

/** The part of a dead process' output that says most about why: its last error, else its last words; on one line. */
export function lastWordsOf(tail: readonly string[]): string {
  const last = tail.findLastIndex((line) => {
    const entry = parse(line)
    return entry === null ? /^(cannot start|uncaught|\S*(Error|Exception)\b.*):/.test(line) : errors.has(String(entry['level']))
  })
  if (last === -1) return oneLine(tail.findLast((line) => line.trim() !== '' && parse(line) === null) ?? '')
  const entry = parse(tail[last] ?? '')
  if (entry !== null) return messageOf(entry)
  const rest = tail.slice(last)
  const end = rest.findIndex((line, index) => index > 0 && (/^\s+at /.test(line) || line.trim() === '' || parse(line) !== null))
  return oneLine(rest.slice(0, end === -1 ? undefined : end).join('\n'))
}

function messageOf(entry: Record<string, unknown>): string {
  const message = typeof entry['msg'] === 'string' ? entry['msg'] : ''
  const cause = field(entry['error'], 'message') ?? ''
  if (cause === '' || message.includes(cause)) return oneLine(message)
  return oneLine(message === '' ? cause : `${message} (${cause})`)
}

function parse(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return null
  }
}

function field(error: unknown, name: string): string | null {
  if (typeof error !== 'object' || error === null) return null
  const value = (error as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : null
}

function oneLine(text: string): string {
  const line = text
    .trim()
    .replaceAll(/:\s*\n\s*/g, ': ')
    .replaceAll(/\s*\n\s*/g, '; ')
  return line.length > 600 ? `${line.slice(0, 599)}…` : line
}
