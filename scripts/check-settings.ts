import { serviceNames, type ServiceName } from '@asheville/core'
import { networks } from '@asheville/networks'
import { storages } from '@asheville/storages'
import { accountsConfig } from '../apps/accounts/src/config.ts'
import { conductorConfig } from '../apps/conductor/src/config.ts'
import { readPlatformConfig } from '../apps/platform/src/config.ts'
import { webConfig } from '../apps/web/src/config.ts'
import { workersConfig } from '../apps/workers/src/config.ts'

const readers: Record<ServiceName, (env: Record<string, string>) => unknown> = {
  web: webConfig,
  accounts: (env) => accountsConfig([...networks, ...storages], env),
  conductor: conductorConfig,
  platform: readPlatformConfig,
  workers: (env) => workersConfig(networks, env),
}

/**
 * Reads the settings of every service as the service itself will. Throws one error with every fault of all of them, so that an
 * operator mends them at once and not one start at a time.
 */
export function checkSettings(environment: Readonly<Record<ServiceName, Record<string, string>>>): void {
  const faults = new Set<string>()
  for (const service of serviceNames) {
    try {
      readers[service](environment[service])
    } catch (error) {
      const [head = '', ...lines] = String(error instanceof Error ? error.message : error).split('\n')
      for (const line of lines.length > 0 ? lines : [head]) faults.add(line.trim())
    }
  }
  if (faults.size > 0) throw new Error(`These settings are not right:\n${[...faults].map((fault) => `  ${fault}`).join('\n')}`)
}
