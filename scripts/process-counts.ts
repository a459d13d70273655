import { serviceNames, type ServiceName } from '@asheville/core'

export type ProcessCounts = Readonly<Record<ServiceName, number>>

/** Where several processes can listen on one port and share its connections: https://nodejs.org/docs/latest-v24.x/api/net.html#serverlistenoptions-callback */
const sharing: readonly NodeJS.Platform[] = ['linux', 'freebsd', 'sunos', 'aix']
const most = 32

/**
 * How many processes of each service: one, unless `PROCESSES` (`workers:4,accounts:2`) or `given` says otherwise. Throws when
 * it cannot be understood, or when this system cannot let several processes share a port.
 */
export function processCounts(
  text: string | undefined,
  given: Partial<ProcessCounts> = {},
  platform: NodeJS.Platform = process.platform,
): ProcessCounts {
  const counts = Object.fromEntries(serviceNames.map((name) => [name, 1])) as Record<ServiceName, number>
  for (const part of (text ?? '').split(',').map((one) => one.trim())) {
    if (part === '') continue
    const [, name, count] = /^([a-z]+):(\d{1,2})$/.exec(part) ?? []
    if (!isService(name)) throw new Error(`PROCESSES cannot be read at "${part}": write it like workers:4,accounts:2`)
    counts[name] = Number(count)
  }
  Object.assign(counts, given)
  for (const name of serviceNames) {
    if (!Number.isInteger(counts[name]) || counts[name] < 1 || counts[name] > most)
      throw new Error(`PROCESSES must give ${name} from 1 to ${most} processes`)
    if (counts[name] > 1 && !sharing.includes(platform))
      throw new Error(`PROCESSES: this system (${platform}) cannot let ${counts[name]} processes of ${name} share a port; Linux can`)
  }
  return counts
}

function isService(name: string | undefined): name is ServiceName {
  return name !== undefined && (serviceNames as readonly string[]).includes(name)
}
