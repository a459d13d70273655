import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { constants, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { browserEnvironment } from '@asheville/testkit/browser'
import { type EmbeddedPostgres, startPostgres } from './embedded/postgres.ts'
import { privatePort } from './embedded/ports.ts'
import { type EmbeddedRedis, startRedis } from './embedded/redis.ts'
import { createGuard } from './processes/guard.ts'

// npm test -- [path patterns and options of jest]: starts Postgres and Redis for the tests, runs jest, stops them again.

/** Fast and forgetful; what is tested does not depend on it. */
const testSettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  shared_buffers: '128MB',
  log_min_messages: 'fatal',
}

interface JestResults {
  numPassedTests: number
  numFailedTests: number
  numRuntimeErrorTestSuites: number
  testResults: { name: string; assertionResults: { fullName: string; status: string; invocations?: number }[] }[]
}

const root = join(import.meta.dirname, '..')
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const place = await mkdtemp(join(tmpdir(), 'asheville-test-'))
  const guard = createGuard()
  let postgres: EmbeddedPostgres | undefined
  let redis: EmbeddedRedis | undefined
  try {
    const password = randomBytes(16).toString('hex')
    const prefer = process.env['EMBEDDED_REDIS'] === 'wasm' ? { prefer: 'wasm' as const } : {}
    ;[postgres, redis] = await Promise.all([
      privatePort(`${place}/postgres`).then((port) =>
        startPostgres({ directory: join(place, 'postgres'), port, password, settings: testSettings }),
      ),
      privatePort(`${place}/redis`).then((port) => startRedis({ directory: null, port, password, ...prefer })),
    ])
    guard.watch(postgres.pid, 'SIGINT')
    guard.watch(redis.pid, 'SIGTERM')
    const output = join(place, 'results.json')
    const code = await runJest(args, output, {
      TEST_DATABASE_URL: postgres.url,
      TEST_REDIS_URL: redis.url,
      // What one test's services have compiled serves those of the next.
      NODE_COMPILE_CACHE: join(place, 'cache'),
      ...(await browserEnvironment()),
    })
    return existsSync(output) ? report(JSON.parse(await readFile(output, 'utf8')) as JestResults, code) : Math.max(code, 1)
  } finally {
    await Promise.all([postgres?.close(), redis?.close()])
    guard.release()
    await rm(place, { recursive: true, force: true })
  }
}

function runJest(args: readonly string[], output: string, env: Record<string, string>): Promise<number> {
  const jest = createRequire(import.meta.url).resolve('jest/bin/jest')
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest]
  const child = spawn(process.execPath, [...node, '--json', `--outputFile=${output}`, ...args], {
    cwd: root,
    // Jest writes its JSON to standard output too, where nobody wants it.
    stdio: ['inherit', 'ignore', 'inherit'],
    env: { ...process.env, ...env, NODE_ENV: 'test' },
  })
  // All wait for Postgres and Redis, so these go first: otherwise a deadline passes in one test because of what another does.
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
  stop.signal.addEventListener('abort', () => child.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

/** Lists what was skipped and what was tried twice, and ends with the one line that tells the outcome. */
function report(results: JestResults, code: number): number {
  const all = results.testResults.flatMap((file) =>
    file.assertionResults.map((result) => ({ ...result, name: `${file.name.replace(`${root}/`, '')}: ${result.fullName}` })),
  )
  const skipped = all.filter(({ status }) => status === 'pending' || status === 'todo' || status === 'disabled')
  const twice = all.filter(({ status, invocations = 1 }) => status === 'passed' && invocations > 1)
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
  const lines = [...skipped.map(({ name }) => `skipped: ${name}`), ...twice.map(({ name }) => `passed when tried again: ${name}`)]
  if (results.numPassedTests + failed === 0) lines.push('No test was run.')
  process.stdout.write(`${[...lines, `${results.numPassedTests} passed, ${failed} failed`].join('\n')}\n`)
  return failed > 0 || code !== 0 || results.numPassedTests === 0 ? 1 : 0
}
