import { conductorRoutes, platformRoutes } from '@asheville/clients'
import { AshevilleError, route } from '@asheville/core'
import { bind, createLogger, createVerifier, startService, type PublicKeys } from '@asheville/service'
import { z } from 'zod'

// A process with nothing but one route behind what every route of ours is behind; it tells the whole address, and listens until it is let go of:
// `node bench/bare-route.ts <the service's SERVICE_PUBLIC_KEYS> <conductor|platform>`.

const routes = { conductor: conductorRoutes.getStatus, platform: platformRoutes.getItem }
const name = process.argv[3] as keyof typeof routes
const { method, path, policy, ...more } = routes[name]
const params = 'params' in more ? { params: more.params } : {}
const bare = route({ method, path, policy, ...params, summary: 'Nothing', reply: z.strictObject({}) })
const publicKeys = JSON.parse(process.argv[2] ?? '{}') as PublicKeys

const { url } = await startService({
  name,
  host: '127.0.0.1',
  port: 0,
  logger: createLogger(name, 'info'),
  verify: createVerifier({ audience: name, publicKeys }),
  apps: { admit: () => Promise.reject(new AshevilleError('unauthenticated', 'Nobody made any token')) },
  bindings: [bind(bare, async () => ({}))],
  checks: {},
  version: '0.0.0',
})
process.on('disconnect', () => process.exit())
process.send!(`${url}${path.replace(/:\w+/, 'it')}`)
