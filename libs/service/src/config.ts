import { serviceNames } from '@asheville/core'
import { z } from 'zod'

/**
 * The settings of a service, from its environment. Unset and empty are the same; variables that the schema does not name
 * are ignored. Throws one error that names every variable that is missing or wrong (never its value). The result is frozen.
 */
export function readConfig<Schema extends z.ZodObject>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
): z.output<Schema> {
  const given = Object.fromEntries(
    Object.keys(schema.shape).flatMap((name) => (env[name] === undefined || env[name] === '' ? [] : [[name, env[name]]])),
  )
  const result = schema.safeParse(given)
  if (result.success) return freeze(result.data)
  const lines = result.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? '')
    return `  ${name}: ${given[name] === undefined && issue.code === 'invalid_type' ? 'is missing' : issue.message}`
  })
  throw new Error(`The environment is not right:\n${lines.join('\n')}`)
}

function freeze<T>(value: T): T {
  // Bytes (keys) cannot be frozen.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) freeze(inner)
  return Object.freeze(value)
}

/** `a, b` → `['a', 'b']`; `[]` when unset. */
export const commaList = z
  .string()
  .default('')
  .transform((text) => [...new Set(text.split(',').map((part) => part.trim()))].filter((part) => part !== ''))

/** `true` / `false` (also `1` / `0`); false when unset. */
export const flag = z
  .enum(['true', 'false', '1', '0'], 'must be true or false')
  .default('false')
  .transform((text) => text === 'true' || text === '1')

/** A whole number written in digits. */
export const integer = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number)

/** An origin such as `http://127.0.0.1:3001`; the answer has no slash at its end. */
export const origin = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .refine((text) => URL.canParse(text) && /^\/?$/.test(new URL(text).pathname + new URL(text).search), 'must be an origin, without a path')
  .transform((text) => new URL(text).origin)

const publicKeys = z.string().transform((text, context) => {
  const parsed = publicKeysSchema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  context.addIssue({ code: 'custom', message: 'must be JSON: the name of each service and its Ed25519 public key as a JWK' })
  return z.NEVER
})

const publicKeysSchema = z.partialRecord(
  z.enum(serviceNames),
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() }),
)

/** Public halves of the services' keys, by service. */
export type PublicKeys = z.output<typeof publicKeysSchema>

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/**
 * What every service reads; spread it into the service's own schema. `PORT` 0 takes any free port. The private key is a
 * secret: keep it out of the object that is passed around.
 */
export const serviceConfigShape = {
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  HOST: z.string().default('127.0.0.1'),
  PORT: integer.refine((port) => port <= 65_535, 'must be at most 65535'),
  /** Which one this process is, from 1, where several of the same service share the port; unset when it is alone. */
  INSTANCE: integer.optional(),
  SERVICE_PRIVATE_KEY: z.string(),
  SERVICE_PUBLIC_KEYS: publicKeys,
} as const
