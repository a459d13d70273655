import { z } from 'zod'

export const id = z.uuid()
export const count = z.number().int().nonnegative()
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** Writes come from workers, which name the connection that they pull from and the fence of the lease they hold on its stream. */
export const write = { who: 'service', from: ['workers'], user: true } as const
export const read = { who: 'app', may: 'read', from: ['web', 'conductor'] } as const

/** For addresses: short, stable, safe everywhere. */
export const itemKeySchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)

export const storageBody = z.strictObject({ storageId: id })
