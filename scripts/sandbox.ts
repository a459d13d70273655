import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { portFrom, runInForeground } from './processes/foreground.ts'
import { startSandbox } from './sandbox/start-sandbox.ts'

// npm run sandbox: as npm start, with simulated networks beside it, people who have signed up, and something to look at.

const root = join(import.meta.dirname, '..')

process.exitCode = await runInForeground(async ({ stop, kill, print }) => {
  if (existsSync(join(root, '.env'))) process.loadEnvFile(join(root, '.env'))
  const sandbox = await startSandbox({
    env: process.env,
    dataDir: process.env['DATA_DIR'] ?? join(root, '.data-sandbox'),
    port: portFrom(process.env),
    signal: stop,
    killSignal: kill,
    onLine: print,
  })
  print(`Asheville is ready at ${sandbox.constellation.url}`)
  for (const line of sandbox.introduction) print(line)
  return sandbox
})
