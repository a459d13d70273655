import { type ServiceName } from '@asheville/core'
import { z } from 'zod'

/** Policies of routes that only our services call, for themselves or for a person. */
export const from = (...services: ServiceName[]) => ({ who: 'service', from: services, user: false }) as const
export const forUser = (...services: ServiceName[]) => ({ who: 'service', from: services, user: true }) as const

export const id = z.uuid()
export const streamName = z.string().regex(/^[a-z-]{1,40}$/)
export const count = z.number().int().nonnegative()
