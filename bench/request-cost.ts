import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Instance } from '@asheville/e2e/instance.ts'
import { createSigner, type Sign } from '@asheville/service'
import { forkLikeService } from './processes.ts'

const atOnce = 16

/** What so many requests took: CPU time of one in µs, and how long 99 of 100 of them took at most, in ms. */
export interface Load {
  cpuUs: number
  p99Ms: number
}

/** A route that does nothing, as this service would have it; `url` is its whole address. */
export async function startBareRoute(instance: Instance, service: 'conductor' | 'platform') {
  const keys = instance.constellation.env[service]['SERVICE_PUBLIC_KEYS'] ?? ''
  const child = forkLikeService(instance, 'bare-route.ts', [keys, service])
  const [url] = (await once(child, 'message')) as [string]
  return { url, pid: child.pid, close: () => void child.disconnect() }
}

/** How much of that CPU time, in ms, is used while nobody asks, in ms a ms. */
export async function idleOf(cpu: () => Promise<number>): Promise<number> {
  const [before, started] = [await cpu(), performance.now()]
  await wait(10_000)
  return ((await cpu()) - before) / (performance.now() - started)
}

/** Asks once for each of these people, some at a time, as web does. Throws when one is not answered. */
export async function load(
  { constellation }: Instance,
  address: string,
  { service, userIds }: { service: 'conductor' | 'platform'; userIds: readonly string[] },
  cpu: () => Promise<number>,
  idle: number,
): Promise<Load> {
  const sign = createSigner({ issuer: 'web', privateKey: constellation.env.web['SERVICE_PRIVATE_KEY'] ?? '' })
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const took: number[] = []
  const rest = userIds.values()
  const before = await cpu()
  const started = performance.now()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const userId of rest) {
        const begun = performance.now()
        await ask(address, agent, () => sign(service, userId))
        took.push(performance.now() - begun)
      }
    }),
  )
  const lasted = performance.now() - started
  const cpuMs = (await cpu()) - before - idle * lasted
  agent.destroy()
  const p99Ms = took.sort((one, other) => one - other)[Math.floor(took.length * 0.99)]!
  return { cpuUs: (cpuMs * 1000) / userIds.length, p99Ms }
}

async function ask(address: string, agent: Agent, sign: () => ReturnType<Sign>): Promise<void> {
  const asked = request(address, { agent, headers: { authorization: `Bearer ${await sign()}` } })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  if (response.statusCode !== 200) throw new Error(`${address} was answered with ${response.statusCode}`)
}
