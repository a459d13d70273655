import type { NotificationPreferences } from '@asheville/clients'

/** How people are told of what, until they say otherwise: mail is for what stands still without them. */
export const defaultPreferences: Readonly<NotificationPreferences> = {
  'reconnect-needed': { inbox: true, mail: true },
  'storage-full': { inbox: true, mail: true },
  'sync-pausing': { inbox: true, mail: true },
  'sync-paused': { inbox: true, mail: true },
  'sync-problem': { inbox: true, mail: false },
  'sync-finished': { inbox: true, mail: false },
  'sync-unchanged': { inbox: false, mail: false },
  'network-available': { inbox: true, mail: true },
}
