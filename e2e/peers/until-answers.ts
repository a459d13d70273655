import type { ChildProcess } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'

/** Resolves once a server that was just started answers anything; throws when it ends before, naming the Debian packages that it takes. */
export async function untilAnswers(server: ChildProcess, url: string, packages: string): Promise<void> {
  let failure: Error | null = null
  server.once('error', (error) => (failure = error))
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (failure !== null || server.exitCode !== null)
      throw new Error(`${url} does not start. It takes: apt-get install --no-install-recommends ${packages}`, { cause: failure })
    const answer = await fetch(url).catch(() => null)
    await answer?.body?.cancel()
    if (answer !== null) return
    await wait(100)
  }
  throw new Error(`${url} does not answer`)
}
