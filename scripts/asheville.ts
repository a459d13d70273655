import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { accountsRoutes, createClient, platformRoutes } from '@asheville/clients'
import { AshevilleError, type ServiceName } from '@asheville/core'
import { createSigner } from '@asheville/service'
import { portFrom } from './processes/foreground.ts'
import { loadSecrets } from './secrets.ts'
import { portOf } from './service-ports.ts'

// npm run asheville -- <command>: what whoever runs this server can do from its command line, while it runs. It signs with the
// keys in DATA_DIR: who can read those may do all of it anyway.

const help = `npm run asheville -- <command>

Works while Asheville runs (npm start) on this machine, with the same PORT and DATA_DIR (environment or .env).

  reset-password <email>   prints a link with which the person sets a new password, once, within 30 minutes;
                           for servers that send no mail. Hand it to nobody else.
  reindex                  makes the index of what lies in people's storages anew, from the storages alone. It may be
                           stopped and begun again: it goes on. Meanwhile everything works, and syncs go on.
  --help                   this
`

const root = join(import.meta.dirname, '..')

/** Runs a command; answers the exit code. */
async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: { help: { type: 'boolean', short: 'h' } }, allowPositionals: true })
  const [command, email, ...rest] = positionals
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  if (command === 'reindex' && email === undefined) return reindex(await clients())
  if (command !== 'reset-password' || email === undefined || rest.length > 0) {
    process.stderr.write(help)
    return 2
  }
  const { link, minutes } = await (await clients()).accounts.createResetLink({ body: { email } })
  process.stdout.write(`${link}\n`)
  process.stderr.write(`It works once, for ${minutes} minutes. Whoever opens it can take the account: hand it to ${email} alone.\n`)
  return 0
}

async function clients() {
  if (existsSync(join(root, '.env'))) process.loadEnvFile(join(root, '.env'))
  const dataDir = process.env['DATA_DIR'] ?? join(root, '.data')
  if (!existsSync(join(dataDir, 'secrets.json'))) throw new Error(`There is no Asheville in ${dataDir}. Set DATA_DIR to where its data is.`)
  const { serviceKeys } = await loadSecrets(dataDir)
  const baseUrl = (service: ServiceName) => `http://127.0.0.1:${portOf(service, portFrom(process.env))}`
  const signAs = (issuer: ServiceName) => createSigner({ issuer, privateKey: serviceKeys[issuer] })
  return {
    accounts: createClient(accountsRoutes, { service: 'accounts', baseUrl: baseUrl('accounts'), sign: signAs('accounts') }),
    platform: createClient(platformRoutes, {
      service: 'platform',
      baseUrl: baseUrl('platform'),
      sign: signAs('conductor'),
      timeoutMs: 120_000,
    }),
  }
}

const pauseMs = 1000

/** One storage after the other; answers 1 when one of them could not be read. */
async function reindex({ accounts, platform }: Awaited<ReturnType<typeof clients>>): Promise<number> {
  let failed = 0
  let cursor: string | undefined
  do {
    const { storages, next } = await accounts.listStorages({ query: { limit: 100, ...(cursor !== undefined && { cursor }) } })
    for (const { storageId, userId, provider } of storages) {
      try {
        for (let isDone = false; !isDone;) {
          const reply = await platform.reindex({ userId, body: { storageId } })
          isDone = reply.isDone
          const { read, pages, items } = reply
          process.stdout.write(`${provider} ${storageId}: ${read} of ${pages} files, ${items} items${isDone ? ', done' : ''}\n`)
          // What a sync is just writing is left for the next time.
          if (!isDone) await sleep(pauseMs)
        }
      } catch (error) {
        failed++
        process.stderr.write(`${provider} ${storageId}: ${error instanceof Error ? error.message : String(error)}\n`)
      }
    }
    cursor = next ?? undefined
  } while (cursor !== undefined)
  return failed > 0 ? 1 : 0
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  const isAway = error instanceof AshevilleError && error.kind === 'unavailable'
  const isElsewhere = error instanceof AshevilleError && error.kind === 'unauthenticated'
  const what = error instanceof Error ? error.message : String(error)
  const advice = isAway
    ? '\nIs Asheville running, with this PORT?'
    : isElsewhere
      ? '\nWhat runs at this PORT does not belong to this DATA_DIR.'
      : ''
  process.stderr.write(`${what}${advice}\n`)
  process.exitCode = 1
}
