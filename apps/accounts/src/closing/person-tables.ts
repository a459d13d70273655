/** A table with rows of people: what an export says of it, and what goes when a person goes. */
export interface PersonTable {
  name: string
  /** Under which name, and what of each row, a person gets it; else why not. */
  exported: { as: string; columns: string; from?: string; order: string } | { not: string }
}

/**
 * Every table that has rows of people, in the order in which they can be deleted: what points at others first. A test compares
 * it with the schema, so that none is forgotten, be it in an export or in an erasure. `$1` is the person.
 */
export const personTables: readonly PersonTable[] = [
  { name: 'outbox', exported: { not: 'what one part of the server has yet to tell another' } },
  { name: 'idempotency_keys', exported: { not: 'a day’s memory of requests that were sent twice, sealed' } },
  { name: 'mails', exported: { not: 'mail on its way to the person, sealed' } },
  { name: 'mail_tokens', exported: { not: 'hashes of links that the person has by mail' } },
  { name: 'passkey_challenges', exported: { not: 'hashes of questions to a browser, of the last minutes' } },
  { name: 'oauth_transactions', exported: { not: 'sign-ins at networks that were begun in the last ten minutes; they hold secrets' } },
  { name: 'parked_accounts', exported: { not: 'accounts that were to be confirmed in the last ten minutes; they hold secrets' } },
  {
    name: 'notifications',
    exported: {
      as: 'notifications',
      columns: 'kind, subject, data, created_at AS "createdAt", read_at AS "readAt", settled_at AS "settledAt"',
      order: 'created_at, id',
    },
  },
  {
    name: 'notification_preferences',
    exported: { as: 'notificationPreferences', columns: 'kind, channel, is_on AS "isOn"', order: 'kind, channel' },
  },
  { name: 'votes', exported: { as: 'votes', columns: 'provider, created_at AS "createdAt"', order: 'created_at, provider' } },
  {
    name: 'sync_jobs',
    exported: {
      as: 'syncJobs',
      columns: `sync_id AS "syncId", connection_id AS "connectionId", stream, state, reason, new_items AS "new", changed_items AS changed,
        unchanged_items AS unchanged, gone_items AS gone, skipped_items AS skipped, skipped AS "lastSkipped", pages, created_at AS "createdAt",
        finished_at AS "finishedAt"`,
      order: 'created_at, sync_id, connection_id, stream',
    },
  },
  { name: 'leases', exported: { not: 'which process works on a stream at this moment' } },
  {
    name: 'walks',
    exported: {
      as: 'walks',
      columns: `w.connection_id AS "connectionId", w.stream, w.kind, w.range_from AS "from", w.range_to AS "to"`,
      from: 'walks w JOIN connections c ON c.id = w.connection_id WHERE c.user_id = $1',
      order: 'w.position',
    },
  },
  {
    name: 'streams',
    exported: {
      as: 'streams',
      columns: `connection_id AS "connectionId", name, available, state, reason, until, next_due_at AS "nextDueAt",
        last_synced_at AS "lastSyncedAt", failures`,
      order: 'connection_id, name',
    },
  },
  {
    name: 'syncs',
    exported: {
      as: 'syncs',
      columns: 'id, trigger, state, created_at AS "createdAt", finished_at AS "finishedAt"',
      order: 'created_at, id',
    },
  },
  {
    name: 'credentials',
    exported: { not: 'the keys to the person’s accounts elsewhere, sealed: whoever got hold of the export could use them' },
  },
  {
    name: 'monthly_reads',
    exported: {
      as: 'monthlyReads',
      columns: `connection_id AS "connectionId", to_char(month, 'YYYY-MM') AS month, reads`,
      order: 'month, connection_id',
    },
  },
  {
    name: 'connections',
    exported: {
      as: 'connections',
      columns: `id, kind, provider, account_id AS "accountId", handle, title, url, server, fields, content_types AS "contentTypes",
        range_from AS "from", range_to AS "to", reads_per_month AS "readsPerMonth", sync_every_minutes AS "syncEveryMinutes", copies, declined, storage_id AS "storageId", state,
        state_reason AS "stateReason", created_at AS "createdAt", removed_at AS "removedAt"`,
      order: 'created_at, id',
    },
  },
  {
    name: 'passkeys',
    exported: {
      as: 'passkeys',
      columns: `name, device_type AS "deviceType", is_backed_up AS "isBackedUp", created_at AS "createdAt", last_used_at AS "lastUsedAt"`,
      order: 'created_at, id',
    },
  },
  {
    name: 'sessions',
    exported: {
      as: 'sessions',
      columns: `user_agent AS device, address, created_at AS "createdAt", last_used_at AS "lastUsedAt",
        least(idle_expires_at, expires_at) AS "endsAt"`,
      order: 'created_at, id',
    },
  },
  {
    name: 'known_devices',
    exported: { as: 'knownDevices', columns: 'device, network, last_used_at AS "lastUsedAt"', order: 'last_used_at, device, network' },
  },
  {
    name: 'app_tokens',
    exported: {
      as: 'appTokens',
      columns: 'name, begins, scopes, created_at AS "createdAt", expires_at AS "expiresAt", last_used_at AS "lastUsedAt"',
      order: 'created_at, id',
    },
  },
  { name: 'passwords', exported: { not: 'the hash of the password' } },
  {
    name: 'identities',
    exported: {
      as: 'identities',
      columns: `provider, server, provider_user_id AS "providerUserId", handle, created_at AS "createdAt", last_used_at AS "lastUsedAt"`,
      order: 'created_at, id',
    },
  },
  { name: 'ended_sessions', exported: { not: 'hashes of sessions that have ended, of the last seconds' } },
  { name: 'closings', exported: { not: 'the closing of the account, which has a report of its own' } },
]

/** What is not deleted by itself: walks go with their streams, sessions that have ended once Redis knows; the closing outlives the person. */
export const goOtherwise: readonly string[] = ['ended_sessions', 'closings', 'walks']
