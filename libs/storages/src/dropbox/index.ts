import type { StorageAdapter } from '@asheville/core'
import { createClient } from './client.ts'
import { openAppFolder } from './app-folder.ts'
import { revoke } from './revoke.ts'

/** A person's Dropbox, of which we see nothing but our own folder in `Apps`. What it can and cannot do: README.md. */
export const dropbox: StorageAdapter = {
  id: 'dropbox',
  title: 'Dropbox',
  description: 'Keeps your copies in a folder of your Dropbox that Asheville has to itself; it sees nothing else there.',
  website: 'https://www.dropbox.com',
  variables: [
    { name: 'DROPBOX_CLIENT_ID', description: 'The key of your app at https://www.dropbox.com/developers/apps (App folder)', default: '' },
    { name: 'DROPBOX_CLIENT_SECRET', description: 'The secret of that app', default: '' },
    { name: 'DROPBOX_API_URL', description: 'Where Dropbox’s API is', default: 'https://api.dropboxapi.com' },
    { name: 'DROPBOX_CONTENT_URL', description: 'Where files are sent to and come from', default: 'https://content.dropboxapi.com' },
    { name: 'DROPBOX_NOTIFY_URL', description: 'Where changes of files are waited for', default: 'https://notify.dropboxapi.com' },
    { name: 'DROPBOX_WEB_URL', description: 'Where people allow us in', default: 'https://www.dropbox.com' },
  ],
  logins: [
    {
      kind: 'oauth2',
      scopes: ['account_info.read', 'files.metadata.read', 'files.content.read', 'files.content.write'],
      clientIdVariable: 'DROPBOX_CLIENT_ID',
      clientSecretVariable: 'DROPBOX_CLIENT_SECRET',
      // https://developers.dropbox.com/oauth-guide: without `offline` there is no refresh token.
      endpoints: ({ DROPBOX_API_URL, DROPBOX_WEB_URL }) => ({
        authorization: new URL('/oauth2/authorize?token_access_type=offline', DROPBOX_WEB_URL).href,
        token: new URL('/oauth2/token', DROPBOX_API_URL).href,
        revocation: null,
        issuer: null,
        pkce: true,
      }),
      revoke,
    },
  ],

  async account(io, signal) {
    const { call } = createClient(io)
    const { account_id: id, email, name } = await call(signal, (sdk, options) => sdk.usersGetCurrentAccount(options))
    return { id, handle: email, title: name.display_name, url: null, declined: [] }
  },

  open: openAppFolder,
}
