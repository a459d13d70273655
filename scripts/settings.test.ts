import { expect, test } from '@jest/globals'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serviceNames } from '@asheville/core'
import { envExample } from './env-example.ts'
import { loadSecrets } from './secrets.ts'
import { environments } from './services.ts'
import { declaredBy, launcherMade, settingsBySection } from './settings.ts'

const root = join(import.meta.dirname, '..')
const settings = settingsBySection().flatMap(([, section]) => section)
const listed = new Set(settings.map(({ name }) => name))

test('.env.example is what npm run env-example writes', () => {
  expect(readFileSync(join(root, '.env.example'), 'utf8')).toBe(envExample())
})

test('every setting is told once, in a sentence', () => {
  expect(listed.size).toBe(settings.length)
  for (const { name, description } of settings) expect([name, description.length > 10]).toEqual([name, true])
})

test('whatever a config.ts reads is listed, or made by the launcher, and reaches its service', async () => {
  expect(globSync('{apps,libs}/*/src/**/config.ts', { cwd: root })).toHaveLength(serviceNames.length + 1)
  const dataDir = mkdtempSync(join(tmpdir(), 'asheville-settings-'))
  try {
    const operator = { ...Object.fromEntries(settings.map(({ name }) => [name, `http://127.0.0.1/${name}`])), QUEUE_BACKEND: 'postgres' }
    const places = { dataDir, port: 3000, databaseUrls: { accounts: 'a', platform: 'b', queue: 'd' }, redisUrl: 'c' }
    const given = environments(operator, await loadSecrets(dataDir), places)
    for (const service of serviceNames)
      for (const { name } of [...declaredBy(service), ...declaredBy('shared')]) {
        expect([name, listed.has(name) || launcherMade.includes(name)]).toEqual([name, true])
        // Alone among many, or behind web, a service has no use for these.
        if (name === 'INSTANCE' || (name === 'HOST' && service !== 'web')) continue
        expect([service, name, given[service][name] !== undefined]).toEqual([service, name, true])
      }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
})

/** Not for operators: where programs are, what npm and Node say, what one of our processes tells another, and switches for developers. */
const ownBusiness =
  /^(PATH|HOME|TZ|NODE_ENV|NODE_COMPILE_CACHE|npm_lifecycle_event|VALKEY_PASSWORD|AWS_LAMBDA_JS_RUNTIME|LD_LIBRARY_PATH|KEEP_\w+|TEST_\w+|MATRIX_\w+|BENCH_\w+|CHAOS_\w+|ASHEVILLE_\w+)$/

test('whatever scripts and tests read is listed too', () => {
  const files = globSync(['scripts/**/*.{ts,js}', 'e2e/**/*.ts', 'bench/**/*.ts', 'libs/testkit/src/*.ts'], { cwd: root })
  const reads = files
    .filter((file) => !/\.test\.ts$|node_modules|fixtures/.test(file))
    .flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8')
      return [...text.matchAll(/\b(?:process\.env|env|operator)(?:\.|\[')([A-Za-z_]\w+)|\bgiven\(\w+, '(\w+)'/g)].map(
        ([, name, other]) => name ?? other!,
      )
    })
    .filter((name) => /^[A-Z_]+$/.test(name))
  const services = new Set(launcherMade)
  expect([...new Set(reads)].filter((name) => !listed.has(name) && !services.has(name) && !ownBusiness.test(name))).toEqual([])
})
