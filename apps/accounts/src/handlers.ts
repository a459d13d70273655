import { accountsRoutes } from '@asheville/clients'
import { bindAll, type Binding } from '@asheville/service'
import type { Access } from './access.ts'
import { handleCountWork } from './admin/count-work.ts'
import { handleListControls } from './admin/list-controls.ts'
import { handleListUsers } from './admin/list-users.ts'
import { handlePutControl } from './admin/put-control.ts'
import type { Context } from './context.ts'
import { handleCloseAccount } from './closing/close-account.ts'
import { handleExportPerson } from './closing/export-person.ts'
import { handleFindClosing } from './closing/find-closing.ts'
import { handleNoteForgotten } from './closing/note-forgotten.ts'
import { handleAcknowledgeOutbox } from './handlers/acknowledge-outbox.ts'
import { handleBeginConnect } from './handlers/begin-connect.ts'
import { handleCancelSync } from './handlers/cancel-sync.ts'
import { handleCancelWork } from './handlers/cancel-work.ts'
import { handleClaimDue } from './handlers/claim-due.ts'
import { handleClaimOutbox } from './handlers/claim-outbox.ts'
import { handleCountReads } from './handlers/count-reads.ts'
import { handleCreateSync } from './handlers/create-sync.ts'
import { handleCreateUser } from './handlers/create-user.ts'
import { handleFinishApproval } from './handlers/finish-approval.ts'
import { handleFinishConnect } from './handlers/finish-connect.ts'
import { handleGetAccess } from './handlers/get-access.ts'
import { handleGetConnection } from './handlers/get-connection.ts'
import { handleGetEstimate } from './handlers/get-estimate.ts'
import { handleGetOverview } from './handlers/get-overview.ts'
import { handleGetSetup } from './handlers/get-setup.ts'
import { handleGetSync } from './handlers/get-sync.ts'
import { handleGetTotals } from './handlers/get-totals.ts'
import { handleGetUser } from './handlers/get-user.ts'
import { handleConfirmHook } from './hooks/confirm-hook.ts'
import { handleTakeHook } from './hooks/take-hook.ts'
import { handleListConnections } from './handlers/list-connections.ts'
import { handleListLeases } from './handlers/list-leases.ts'
import { handleListReads } from './handlers/list-reads.ts'
import { handleListStorages } from './handlers/list-storages.ts'
import { handleListStreams } from './handlers/list-streams.ts'
import { handleListSyncs } from './handlers/list-syncs.ts'
import { handlePlanSync } from './handlers/plan-sync.ts'
import { handleRemoveConnection } from './handlers/remove-connection.ts'
import { handleRenewLease } from './handlers/renew-lease.ts'
import { handleRewalkStreams } from './handlers/rewalk-streams.ts'
import { handleRestartStreams } from './handlers/restart-streams.ts'
import { handleReturnLeases } from './handlers/return-leases.ts'
import { handleSaveCheckpoint } from './handlers/save-checkpoint.ts'
import { handleSavePlan } from './handlers/save-plan.ts'
import { handleTakeLeases } from './handlers/take-leases.ts'
import { handleClearConnection, handleNoteCleared } from './handlers/clear-connection.ts'
import { handleUpdateConnection } from './handlers/update-connection.ts'
import { handleAddPasskey } from './passkeys/add-passkey.ts'
import { handleBeginPasskey } from './passkeys/begin-passkey.ts'
import { handleBeginPasskeySignIn } from './passkeys/begin-sign-in.ts'
import { handleFinishPasskeySignIn } from './passkeys/finish-sign-in.ts'
import { handleListPasskeys } from './passkeys/list-passkeys.ts'
import { handleRemovePasskey } from './passkeys/remove-passkey.ts'
import { handleRenamePasskey } from './passkeys/rename-passkey.ts'
import { handleBeginIdentity } from './identities/begin-identity.ts'
import { handleFindUser } from './identities/find-user.ts'
import { handleFinishIdentity } from './identities/finish-identity.ts'
import { handleListIdentities } from './identities/list-identities.ts'
import { handleRemoveIdentity } from './identities/remove-identity.ts'
import { handleBeginSignIn } from './sign-in/begin-sign-in.ts'
import { handleFinishSignIn } from './sign-in/finish-sign-in.ts'
import { handleListProviders } from './sign-in/list-providers.ts'
import { handleConnectParked } from './connect/connect-parked.ts'
import { handleGetParked } from './connect/get-parked.ts'
import { handleCheckSession } from './sessions/check-session.ts'
import { handleCreateSession } from './sessions/create-session.ts'
import { handleEndSession } from './sessions/end-session.ts'
import { handleListSessions } from './sessions/list-sessions.ts'
import { handleRevokeSession } from './sessions/revoke-session.ts'
import { handleRevokeSessions } from './sessions/revoke-sessions.ts'
import { handleChangeEmail } from './profile/change-email.ts'
import { handleChangePassword } from './profile/change-password.ts'
import { handleCreateResetLink } from './profile/create-reset-link.ts'
import { handleGetProfile } from './profile/get-profile.ts'
import { handleRequestPasswordReset } from './profile/request-password-reset.ts'
import { handleResetPassword } from './profile/reset-password.ts'
import { handleSendVerification } from './profile/send-verification.ts'
import { handleUpdateUser } from './profile/update-user.ts'
import { handleVerifyEmail } from './profile/verify-email.ts'
import { handleCountUnread } from './notifications/count-unread.ts'
import { handleListNotifications } from './notifications/list-notifications.ts'
import { handleMarkAllRead, handleMarkRead } from './notifications/mark-read.ts'
import { handleGetPreferences, handleUpdatePreferences } from './notifications/preferences.ts'
import { handleCheckAppToken } from './app-tokens/check-app-token.ts'
import { handleCreateAppToken } from './app-tokens/create-app-token.ts'
import { handleListAppTokens } from './app-tokens/list-app-tokens.ts'
import { handleRevokeAppToken } from './app-tokens/revoke-app-token.ts'
import { handleListVotes, handlePutVote, handleWithdrawVote } from './votes/vote.ts'

/** Every route of the accounts API with what answers it. */
export function accountsBindings(context: Context, access: Access): Binding[] {
  return bindAll(accountsRoutes, {
    getSetup: handleGetSetup(context),
    createUser: handleCreateUser(context),
    getUser: handleGetUser(context),
    getProfile: handleGetProfile(context),
    updateUser: handleUpdateUser(context),
    changeEmail: handleChangeEmail(context),
    sendVerification: handleSendVerification(context),
    verifyEmail: handleVerifyEmail(context),
    changePassword: handleChangePassword(context),
    requestPasswordReset: handleRequestPasswordReset(context),
    resetPassword: handleResetPassword(context),
    createResetLink: handleCreateResetLink(context),
    createSession: handleCreateSession(context),
    checkSession: handleCheckSession(context),
    endSession: handleEndSession(context),
    listSessions: handleListSessions(context),
    revokeSession: handleRevokeSession(context),
    revokeSessions: handleRevokeSessions(context),
    listPasskeys: handleListPasskeys(context),
    beginPasskey: handleBeginPasskey(context),
    addPasskey: handleAddPasskey(context),
    renamePasskey: handleRenamePasskey(context),
    removePasskey: handleRemovePasskey(context),
    beginPasskeySignIn: handleBeginPasskeySignIn(context),
    finishPasskeySignIn: handleFinishPasskeySignIn(context),
    listProviders: handleListProviders(context),
    beginSignIn: handleBeginSignIn(context),
    finishSignIn: handleFinishSignIn(context),
    findUser: handleFindUser(context),
    listIdentities: handleListIdentities(context),
    beginIdentity: handleBeginIdentity(context),
    finishIdentity: handleFinishIdentity(context),
    removeIdentity: handleRemoveIdentity(context),
    getParked: handleGetParked(context),
    connectParked: handleConnectParked(context),
    listConnections: handleListConnections(context),
    listStorages: handleListStorages(context),
    getConnection: handleGetConnection(context),
    beginConnect: handleBeginConnect(context),
    finishConnect: handleFinishConnect(context),
    finishApproval: handleFinishApproval(context),
    updateConnection: handleUpdateConnection(context),
    clearConnection: handleClearConnection(context),
    noteCleared: handleNoteCleared(context),
    removeConnection: handleRemoveConnection(context),
    confirmHook: handleConfirmHook(context),
    takeHook: handleTakeHook(context),
    getEstimate: handleGetEstimate(context, access),
    listReads: handleListReads(context),
    getAccess: handleGetAccess(context, access),
    createSync: handleCreateSync(context),
    planSync: handlePlanSync(context),
    getSync: handleGetSync(context),
    listSyncs: handleListSyncs(context),
    cancelSync: handleCancelSync(context),
    cancelWork: handleCancelWork(context),
    restartStreams: handleRestartStreams(context),
    rewalkStreams: handleRewalkStreams(context),
    listStreams: handleListStreams(context),
    getOverview: handleGetOverview(context),
    claimDue: handleClaimDue(context),
    listLeases: handleListLeases(context),
    claimOutbox: handleClaimOutbox(context),
    acknowledgeOutbox: handleAcknowledgeOutbox(context),
    closeAccount: handleCloseAccount(context),
    findClosing: handleFindClosing(context),
    noteForgotten: handleNoteForgotten(context),
    exportPerson: handleExportPerson(context),
    takeLeases: handleTakeLeases(context),
    savePlan: handleSavePlan(context),
    saveCheckpoint: handleSaveCheckpoint(context),
    countReads: handleCountReads(context),
    renewLease: handleRenewLease(context),
    returnLeases: handleReturnLeases(context),
    getTotals: handleGetTotals(context),
    listNotifications: handleListNotifications(context),
    countUnread: handleCountUnread(context),
    markRead: handleMarkRead(context),
    markAllRead: handleMarkAllRead(context),
    getNotificationPreferences: handleGetPreferences(context),
    updateNotificationPreferences: handleUpdatePreferences(context),
    listAppTokens: handleListAppTokens(context),
    createAppToken: handleCreateAppToken(context),
    revokeAppToken: handleRevokeAppToken(context),
    checkAppToken: handleCheckAppToken(context),
    listVotes: handleListVotes(context),
    putVote: handlePutVote(context),
    withdrawVote: handleWithdrawVote(context),
    listUsers: handleListUsers(context),
    listControls: handleListControls(context),
    countWork: handleCountWork(context),
    putControl: handlePutControl(context),
  })
}
