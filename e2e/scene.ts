import { startMastodon, type GenerateOptions, type MastodonOptions } from '@asheville/simulators'
import { connectOAuth, signUp, startInstance, type Instance } from './instance.ts'

export interface Scene {
  mastodon: Awaited<ReturnType<typeof startMastodon>>
  instance: Instance
  person: { userId: string; sessionId: string }
  close(): Promise<void>
}

/** An instance, and its owner who has connected `alice` of a simulated Mastodon server; nothing is copied yet. */
export async function startScene(server: MastodonOptions, posts: GenerateOptions): Promise<Scene> {
  const mastodon = await startMastodon({ accounts: ['alice'], rateLimit: null, pictureSize: { width: 16, height: 16 }, ...server })
  let instance: Instance | undefined
  const close = async () => {
    await instance?.close()
    await mastodon.close()
  }
  try {
    mastodon.generate({ account: 'alice', ...posts })
    instance = await startInstance([mastodon.url])
    const person = await signUp(instance)
    await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, (address) => mastodon.authorize(address))
    return { mastodon, instance, person, close }
  } catch (error) {
    await close()
    throw error
  }
}
