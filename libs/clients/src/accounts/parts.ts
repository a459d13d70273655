import { type ServiceName } from '@asheville/core'
import { z } from 'zod'

/** Policies of routes that only our services call, for themselves or for a person. */
export const from = (...services: ServiceName[]) => ({ who: 'service', from: services, user: false }) as const
export const forUser = (...services: ServiceName[]) => ({ who: 'service', from: services, user: true }) as const

export const id = z.uuid()
export const streamName = z.string().regex(/^[a-z-]{1,40}$/)
export const networkId = z.string().regex(/^[a-z0-9-]{1,40}$/)
export const count = z.number().int().nonnegative()

/** Where a page of a list begins: the `next` of the page before it. */
export const cursor = z.string().min(1).max(200).optional()
export const limit = z.coerce.number().int().min(1).max(100).default(20)

/** A language tag (BCP 47), which what formats dates and numbers takes as it is. */
export const localeSchema = z.string().max(35).refine(isLocale, 'Is no language tag')

function isLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1
  } catch {
    return false
  }
}
