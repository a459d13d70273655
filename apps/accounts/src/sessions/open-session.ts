import { randomUUID } from 'node:crypto'
import type { Session } from '@asheville/clients'
import type { Context } from '../context.ts'
import { hashToken, randomToken } from '../tokens.ts'
import { addSession } from './queries.ts'

/** What a person signs in with: as the browser or app calls itself, and the network address it comes from. */
export interface Device {
  userAgent: string
  address: string
}

/**
 * Signs a person in, whatever they proved who they are by: a new session, and the token that it is used with, which is
 * nowhere kept.
 */
export async function openSession({ db }: Context, userId: string, device: Device): Promise<{ token: string; session: Session }> {
  const token = randomToken()
  const session = await addSession(db, userId, { id: randomUUID(), tokenHash: hashToken(token), ...device })
  return { token, session }
}
