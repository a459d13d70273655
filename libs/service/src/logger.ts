import type { ServiceName } from '@asheville/core'
import { pino, type Logger as PinoLogger } from 'pino'
import { errorFields } from './error-fields.ts'
import { maskLine, maskSecrets } from './mask-secrets.ts'

export type Logger = PinoLogger

/**
 * The log of a process: one JSON line per entry on standard output. Errors become their `errorFields` wherever they are in
 * an entry; values under names of secrets (tokens, cookies, passwords, `authorization`) or of people's content are masked,
 * as are queries of addresses and bearer tokens inside any text. Make children for requests and jobs.
 */
export function createLogger(service: ServiceName, level: string, destination?: { write(line: string): void }): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      errorKey: 'error',
      redact: { paths: ['authorization', 'cookie', 'token', 'password', 'content', '*.authorization', '*.cookie'], censor: '[masked]' },
      serializers: { error: errorFields, err: errorFields },
      formatters: { level: (label) => ({ level: label }), log: (entry) => maskSecrets(entry) },
      hooks: { streamWrite: maskLine },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  )
}
