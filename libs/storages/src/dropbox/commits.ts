import { oneAtATime } from '@asheville/core'

/**
 * Dropbox serialises what changes files, per account, and refuses what comes side by side. So each account has one such call of this process
 * under way. https://developers.dropbox.com/dbx-performance-guide
 */
export const commitInTurn = oneAtATime()
