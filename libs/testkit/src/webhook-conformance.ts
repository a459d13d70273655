import { expect, test } from '@jest/globals'
import { AshevilleError, type Hook, type Network } from '@asheville/core'
import { everythingOf, watch, type NetworkWorld } from './network-world.ts'

/** For networks that send by themselves: what they send is understood, and nothing is taken from anybody else. */
export function describeWebhook(network: Network, worldOf: () => NetworkWorld | Promise<NetworkWorld>): void {
  const { webhook } = network
  if (!webhook) return
  const on = (run: (world: NetworkWorld, script: NonNullable<NetworkWorld['webhook']>) => Promise<void>) => async () => {
    const world = await worldOf()
    try {
      if (!world.webhook) throw new Error('The fixtures have no script for the webhook')
      await run(world, world.webhook)
    } finally {
      await world.close?.()
    }
  }
  const variablesOf = (world: NetworkWorld) => world.variables ?? {}
  const thrown = (world: NetworkWorld, hook: Hook): AshevilleError => {
    try {
      webhook.hints(hook, variablesOf(world))
    } catch (error) {
      if (error instanceof AshevilleError) return error
      throw error
    }
    throw new Error('It was believed')
  }

  test(
    'what is sent says whose stream has something new',
    on(async (world, { sent, streams }) => {
      const { id } = await network.account(watch(world, '').io())
      expect(streams.length).toBeGreaterThan(0)
      for (const stream of streams) {
        const hook = await sent(stream)
        expect(Object.keys(hook.headers)).toEqual(expect.arrayContaining([...webhook.headers]))
        expect(webhook.hints(hook, variablesOf(world))).toEqual([{ accountId: id, streams: expect.arrayContaining([stream]) }])
      }
    }),
  )

  test(
    'what was changed on the way, is not signed, or comes while the operator has set nothing, is forbidden',
    on(async (world, { sent, streams }) => {
      const { headers, body } = await sent(streams[0]!)
      const changed = Uint8Array.from(body, (byte, index) => (index === body.length - 1 ? byte ^ 1 : byte))
      const wrong = Object.fromEntries(webhook.headers.map((name) => [name, `${(headers[name] ?? '').slice(0, -1)}~`]))
      for (const hook of [
        { headers, body: changed },
        { headers, body: new Uint8Array() },
        { headers: {}, body },
        { headers: wrong, body },
      ]) {
        const error = thrown(world, hook)
        expect(error.kind).toBe('forbidden')
        for (const secret of Object.values(variablesOf(world)).filter((value) => value.length >= 16 && !value.includes('://')))
          expect(everythingOf(error)).not.toContain(secret)
      }
      expect(() => webhook.hints({ headers, body }, {})).toThrow(AshevilleError)
    }),
  )

  test(
    'asked whether it is to be sent anything, the network alone gets its answer',
    on(async (world, { asks }) => {
      const { query, answer } = await asks()
      expect(webhook.confirm(query, variablesOf(world))).toBe(answer)
      expect(webhook.confirm(query, {})).toBeNull()
      expect(webhook.confirm({}, variablesOf(world))).toBeNull()
      for (const [name, value] of Object.entries(query).filter(([, each]) => each !== answer))
        expect(webhook.confirm({ ...query, [name]: `${value}x` }, variablesOf(world))).toBeNull()
    }),
  )
}
