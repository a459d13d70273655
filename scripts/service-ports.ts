import type { ServiceName } from '@asheville/core'
import { claimPort, isPortFree, privatePort } from './embedded/ports.ts'

/** Web first: its port is the one that people know, the others follow. */
export const portOrder = ['web', 'accounts', 'conductor', 'platform', 'workers'] as const satisfies readonly ServiceName[]

export function portOf(service: ServiceName, port: number): number {
  return port + portOrder.indexOf(service)
}

/** Throws, naming every port that something else listens on and what to change. */
export async function checkPorts(port: number, host: string): Promise<void> {
  const taken = (
    await Promise.all(
      portOrder.map(async (name) => ((await isPortFree(portOf(name, port), name === 'web' ? host : '127.0.0.1')) ? [] : [name])),
    )
  ).flat()
  if (taken.length === 0) return
  const which = taken.map((name) => `${portOf(name, port)} (for ${name})`).join(', ')
  throw new Error(
    `Port ${which} is taken by another program. Asheville needs five free ports in a row: set PORT to the first of them, for example PORT=${port + 100} npm start`,
  )
}

/** The first of five free ports in a row, all claimed. */
export async function freePortBlock(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const key = `${process.pid} ${attempt} ${Math.random()}`
    const port = await privatePort(key)
    const claimed = await Promise.all(portOrder.map((name) => claimPort(portOf(name, port), key)))
    if (claimed.every(Boolean)) return port
  }
  throw new Error('There are no five free ports in a row between 20000 and 29999')
}
