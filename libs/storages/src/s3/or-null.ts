import { kindOf } from '@asheville/core'

/** Absence as null. */
export async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (kindOf(error) === 'not-found') return null
    throw error
  }
}
