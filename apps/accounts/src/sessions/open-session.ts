import { randomUUID } from 'node:crypto'
import { AshevilleError } from '@asheville/core'
import type { Session } from '@asheville/clients'
import type { Context } from '../context.ts'
import { hashToken, randomToken } from '../tokens.ts'
import { announceDevice } from './announce-device.ts'
import { deviceName } from './device-name.ts'
import { meetDevice } from './known-devices.ts'
import { plainAddress } from './plain-address.ts'
import { addSession, findOpenPerson } from './queries.ts'

/** What a person signs in with: as the browser or app calls itself, and the network address it comes from. */
export interface Device {
  userAgent: string
  address: string
}

/**
 * Signs a person in, whatever they proved who they are by: a new session, and the token that it is used with, which is
 * nowhere kept. The person is told by mail when it is with a device that they have not signed in with before. Throws
 * `unauthenticated` when the account is gone or being closed.
 */
export async function openSession(
  context: Context,
  userId: string,
  { userAgent, address }: Device,
): Promise<{ token: string; session: Session }> {
  const token = randomToken()
  const device = { userAgent, address: plainAddress(address) }
  const session = await context.db.transaction(async (tx) => {
    const user = await findOpenPerson(tx, userId)
    if (!user) throw new AshevilleError('unauthenticated', 'This account is closed')
    const opened = await addSession(tx, userId, { id: randomUUID(), tokenHash: hashToken(token), ...device })
    if (await meetDevice(tx, userId, deviceName(device.userAgent), device.address)) await announceDevice(context, tx, userId, device)
    return { ...opened, user }
  })
  await context.mirror.catchUp()
  return { token, session }
}
