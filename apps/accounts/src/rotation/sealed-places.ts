import { parkedBinding } from '../connect/parked-accounts.ts'
import { answerBinding, idOf } from '../idempotency/sealed-answer.ts'
import { mailBinding, type QueuedKind } from '../mail/queries.ts'
import { registrationBinding } from '../queries/app-registrations.ts'
import { credentialBinding, type CredentialField } from '../queries/credentials.ts'
import { transactionBinding } from '../queries/oauth-transactions.ts'
import { sealedPlace, type SealedPlace } from './sealed-place.ts'

/** Everything that is sealed: each table that has a `key_id`. */
export const sealedPlaces: readonly SealedPlace[] = [
  sealedPlace<{ userId: string; provider: string; connectionId: string; field: CredentialField }>(
    'credentials',
    'sealed',
    't.user_id AS "userId", n.provider, t.connection_id AS "connectionId", t.field',
    ({ userId, provider, connectionId, field }) => credentialBinding(userId, provider, connectionId, field),
    'JOIN connections n ON n.id = t.connection_id',
  ),
  sealedPlace<{ provider: string; server: string; clientId: string }>(
    'app_registrations',
    'sealed_secret',
    't.provider, t.server, t.client_id AS "clientId"',
    ({ provider, server, clientId }) => registrationBinding(provider, server, clientId),
  ),
  sealedPlace<Parameters<typeof transactionBinding>[0] & Parameters<typeof transactionBinding>[1]>(
    'oauth_transactions',
    'sealed_verifier',
    't.user_id AS "userId", t.session_id AS "sessionId", t.visitor_hash AS "visitorHash", t.purpose, t.provider',
    (row) => transactionBinding(row, row),
  ),
  sealedPlace<{ userId: string; provider: string; id: string }>(
    'parked_accounts',
    'sealed',
    't.user_id AS "userId", t.provider, t.id',
    ({ userId, provider, id }) => parkedBinding(userId, provider, id),
  ),
  sealedPlace<{ id: string; kind: QueuedKind }>('mails', 'sealed', 't.id, t.kind', ({ id, kind }) => mailBinding(id, kind)),
  sealedPlace<{ name: Uint8Array }>('idempotency_keys', 'sealed', 't.name', ({ name }) => answerBinding(idOf(name))),
]
