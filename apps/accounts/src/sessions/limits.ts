const dayMs = 24 * 3_600_000

/** How long a session lasts without use, and at most. */
export const idleMs = 14 * dayMs
export const absoluteMs = 90 * dayMs

/** Its idle end moves on with use, but not more often than this. */
export const useMs = 60_000
