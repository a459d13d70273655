import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { serviceNames, type ServiceName } from '@asheville/core'
import { networks } from '@asheville/networks'
import { storages } from '@asheville/storages'
import ts from 'typescript'

/** Something that an operator may set in the environment or in `.env`. */
export interface Setting {
  name: string
  description: string
  default: string
}

const root = join(import.meta.dirname, '..')

/** What the launcher itself reads, or works out when it is not set. */
const launcher: readonly Setting[] = [
  {
    name: 'PORT',
    description: 'The address people open ends in this; the four ports after it are used too, on this machine only',
    default: '3000',
  },
  { name: 'HOST', description: 'Where web listens: 0.0.0.0 to be reached from other machines', default: '127.0.0.1' },
  {
    name: 'WEB_URL',
    description: 'The origin that people use, when a proxy is in front; links and sign-ins are made for it',
    default: 'http://localhost:<PORT>',
  },
  {
    name: 'DATA_DIR',
    description: 'Where everything is kept. Back it up; whoever reads secrets.json in it reads everything',
    default: './.data',
  },
  { name: 'LOG_LEVEL', description: 'What the files in DATA_DIR/logs hold: error, warn, info, debug, trace', default: 'info' },
  {
    name: 'PROCESSES',
    description: 'How many processes of which services, such as workers:4,accounts:2; one of each unless said here (Linux)',
    default: '',
  },
  {
    name: 'DATABASE_URL',
    description: 'A Postgres 15 or newer of your own, instead of the embedded one; with a role that owns its schemas and is no superuser',
    default: '',
  },
  {
    name: 'REDIS_URL',
    description:
      'A Redis 6.2 or Valkey of your own (noeviction, AOF), instead of the embedded one: redis://user:password@host:6379/0, rediss:// with TLS; for a cluster some of its nodes, redis://:password@one:6379,redis://two:6379',
    default: '',
  },
  {
    name: 'QUEUE_BACKEND',
    description: 'Where jobs are queued, redis or postgres; everything else that Redis does it does with either',
    default: 'redis',
  },
  { name: 'EMBEDDED_REDIS', description: '"wasm": never use the redis-server or valkey-server of this machine', default: '' },
  {
    name: 'CREDENTIAL_KEYS',
    description:
      'What seals stored sign-ins: id:base64 of 32 bytes, comma-separated, the first seals and all open. Else made and kept in DATA_DIR/secrets.json',
    default: '',
  },
  {
    name: 'WEB_SECRET',
    description: 'At least 32 characters; protects forms against forgery. Else made and kept in DATA_DIR/secrets.json',
    default: '',
  },
  { name: 'SCRATCH_DIR', description: 'For files that are too large for memory while they pass through', default: '<DATA_DIR>/scratch' },
]

const tests: readonly Setting[] = [
  {
    name: 'CHROMIUM_PATH',
    description: 'A Chromium of your own for the tests in a browser, instead of the machine’s or the one from the registry',
    default: '',
  },
]

/** What the launcher makes for every service; nobody sets these. */
export const launcherMade: readonly string[] = [
  'SERVICE_PRIVATE_KEY',
  'SERVICE_PUBLIC_KEYS',
  'ACCOUNTS_URL',
  'CONDUCTOR_URL',
  'PLATFORM_URL',
  'QUEUE_URL',
  'INSTANCE',
]

/**
 * Every setting, in sections: the launcher's, those that the services' config.ts declare (their comments are the descriptions), the
 * adapters' variables, the tests'. Throws when a declared one has no comment.
 */
export function settingsBySection(): readonly (readonly [title: string, settings: readonly Setting[]])[] {
  const adapters = unique([...networks, ...storages].flatMap(({ variables }) => variables))
  const known = new Set([...launcherMade, ...[...launcher, ...adapters].map(({ name }) => name)])
  const services = unique(serviceNames.flatMap((service) => declaredBy(service))).filter(({ name }) => !known.has(name))
  const silent = services.find(({ description }) => description === '')
  if (silent !== undefined) throw new Error(`${silent.name} in a config.ts needs a comment that says what it is for`)
  return [
    ['Starting', launcher],
    ['Services', services],
    ['Networks and storages', adapters],
    ['Tests', tests],
  ]
}

/** The properties in capitals of a service's config.ts, or of what all services share: their comment, and what `.default(…)` says. */
export function declaredBy(service: ServiceName | 'shared'): Setting[] {
  const path = service === 'shared' ? join('libs', 'service', 'src', 'config.ts') : join('apps', service, 'src', 'config.ts')
  const file = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.Latest, true)
  const found: Setting[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) && /^[A-Z][A-Z0-9_]+$/.test(node.name.getText())) {
      const initializer = node.initializer.getText()
      const value = /\.(?:default|prefault)\((['"]?)([^'"()]*)\1\)/.exec(initializer)?.[2]
      const comment = ts.getJSDocCommentsAndTags(node).map((part) => ts.getTextOfJSDocComment(part.comment) ?? '')
      const description = comment.join(' ').replace(/\.$/, '')
      // `flag` of libs/service is false unless set.
      found.push({ name: node.name.getText(), description, default: value ?? (initializer.startsWith('flag') ? 'false' : '') })
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

function unique(settings: readonly Setting[]): Setting[] {
  return [...new Map(settings.map((setting) => [setting.name, setting])).values()]
}
