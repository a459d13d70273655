import { startMastodon, type GenerateOptions, type MastodonOptions, type MastodonSimulator } from '@asheville/simulators'
import { join } from 'node:path'
import { check, expectMastodon, readIndex, untilAtRest, type Verdict } from './harness/index.ts'
import { connectOAuth, signUp, startInstance, type Instance } from './instance.ts'

/** An instance, and its owner who has connected `alice` of a simulated Mastodon server; nothing is copied yet. */
export interface Scene {
  mastodon: MastodonSimulator
  instance: Instance
  person: { userId: string; sessionId: string }
  close(): Promise<void>
}

export async function startScene(
  server: MastodonOptions,
  posts: GenerateOptions,
  env: NonNullable<Parameters<typeof startInstance>[1]> = {},
): Promise<Scene> {
  const mastodon = await startMastodon({ accounts: ['alice'], rateLimit: null, pictureSize: { width: 16, height: 16 }, ...server })
  let instance: Instance | undefined
  const close = async () => {
    await instance?.close()
    await mastodon.close()
  }
  try {
    mastodon.generate({ account: 'alice', ...posts })
    instance = await startInstance([mastodon.url], env)
    const person = await signUp(instance)
    await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, (address) => mastodon.authorize(address))
    return { mastodon, instance, person, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Waits until nothing is left to be done, and compares folder and index with what these accounts have at their server. */
export async function checkScene({ instance, mastodon, person }: Scene, accounts: readonly string[] = ['alice']): Promise<Verdict> {
  await untilAtRest(instance.constellation)
  return check({
    folder: join(instance.files, person.userId, 'Asheville'),
    expected: accounts.map((account) => expectMastodon(mastodon.truth()[account]!, mastodon.url)),
    index: await readIndex(instance.platform('web'), person.userId),
  })
}
