import { conductorRoutes } from '@asheville/clients'
import { route } from '@asheville/core'
import { bind, createLogger, createVerifier, startService, type PublicKeys } from '@asheville/service'
import { z } from 'zod'

// A process with nothing but one route behind what every route of ours is behind; it tells its address, and listens until it is let go of:
// `node bench/bare-route.ts <the conductor's SERVICE_PUBLIC_KEYS>`.

const { method, path, policy } = conductorRoutes.getStatus
const bare = route({ method, path, policy, summary: 'Nothing', reply: z.strictObject({}) })
const publicKeys = JSON.parse(process.argv[2] ?? '{}') as PublicKeys

const { url } = await startService({
  name: 'conductor',
  host: '127.0.0.1',
  port: 0,
  logger: createLogger('conductor', 'info'),
  verify: createVerifier({ audience: 'conductor', publicKeys }),
  bindings: [bind(bare, async () => ({}))],
  checks: {},
  version: '0.0.0',
})
process.on('disconnect', () => process.exit())
process.send!(url)
