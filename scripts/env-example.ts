import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { networks } from '@asheville/networks'
import { storages } from '@asheville/storages'
import ts from 'typescript'

// node scripts/env-example.ts writes .env.example from what the launcher, the services' config.ts and the adapters declare;
// with --check it fails when the file is not that (npm run verify).

interface Setting {
  name: string
  description: string
  default: string
}

const root = join(import.meta.dirname, '..')
const target = join(root, '.env.example')

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
  { name: 'DATABASE_URL', description: 'A Postgres 15 or newer of your own, instead of the embedded one', default: '' },
  { name: 'REDIS_URL', description: 'A Redis 6.2 or Valkey of your own (noeviction, AOF), instead of the embedded one', default: '' },
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

/** Worked out by the launcher, or given to each service its own way. */
const internal = new Set([
  ...launcher.map(({ name }) => name),
  'SERVICE_PRIVATE_KEY',
  'SERVICE_PUBLIC_KEYS',
  'ACCOUNTS_URL',
  'CONDUCTOR_URL',
  'PLATFORM_URL',
])

const text = render()
if (!process.argv.includes('--check')) writeFileSync(target, text)
else if (readFileSync(target, 'utf8') !== text) {
  process.stderr.write('.env.example is out of date: run node scripts/env-example.ts\n')
  process.exitCode = 1
}

function render(): string {
  const adapters = unique([...networks, ...storages].flatMap(({ variables }) => variables))
  const known = new Set([...internal, ...adapters.map(({ name }) => name)])
  const services = unique(['web', 'accounts', 'conductor', 'platform', 'workers'].flatMap(declaredBy)).filter(
    ({ name }) => !known.has(name),
  )
  const sections = [
    ['Starting', launcher],
    ['Services', services],
    ['Networks and storages', adapters],
  ] as const
  const head = '# Every setting, with its default. Copy to .env what you change. Written by scripts/env-example.ts: change it there.\n'
  return [head, ...sections.map(([title, settings]) => `# --- ${title} ---\n\n${settings.map(entry).join('\n')}`)].join('\n')
}

function entry({ name, description, default: value }: Setting): string {
  return `# ${description}\n# ${name}=${value}\n`
}

function unique(settings: readonly Setting[]): Setting[] {
  return [...new Map(settings.map((setting) => [setting.name, setting])).values()]
}

/** The properties in capitals of a service's config.ts, their comment and what `.default(…)` says. */
function declaredBy(service: string): Setting[] {
  const path = join(root, 'apps', service, 'src', 'config.ts')
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const found: Setting[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) && /^[A-Z][A-Z0-9_]+$/.test(node.name.getText())) {
      const value = /\.(?:pre|)(?:default|fault)\((['"]?)([^'"()]*)\1\)/.exec(node.initializer.getText())?.[2]
      const comment = ts.getJSDocCommentsAndTags(node).map((part) => ts.getTextOfJSDocComment(part.comment) ?? '')
      found.push({
        name: node.name.getText(),
        description: comment.join(' ').replace(/\.$/, ''),
        default: value ?? usual(node.initializer.getText()),
      })
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  const silent = found.find(({ name, description }) => description === '' && !internal.has(name))
  if (silent !== undefined) throw new Error(`${silent.name} in ${path} needs a comment that says what it is for`)
  return found
}

/** Of the shared kinds of settings in libs/service. */
function usual(initializer: string): string {
  return initializer.startsWith('flag') ? 'false' : ''
}
