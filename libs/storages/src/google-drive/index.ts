import type { StorageAdapter } from '@asheville/core'
import { createClient, said } from './client.ts'
import { openFolder } from './open-folder.ts'
import { revoke } from './revoke.ts'

/** A folder in a person's Google Drive; of all else there we see nothing. What it can and cannot do: README.md. */
export const googleDrive: StorageAdapter = {
  id: 'google-drive',
  title: 'Google Drive',
  description: 'Keeps your copies in a folder of your Google Drive; it sees nothing that it has not put there itself.',
  website: 'https://drive.google.com',
  variables: [
    {
      name: 'GOOGLE_DRIVE_CLIENT_ID',
      description: 'The client id of your app at https://console.cloud.google.com/apis/credentials (Web application)',
      default: '',
    },
    { name: 'GOOGLE_DRIVE_CLIENT_SECRET', description: 'The client secret of that app', default: '' },
    { name: 'GOOGLE_DRIVE_API_URL', description: 'Where Google’s APIs are', default: 'https://www.googleapis.com' },
    {
      name: 'GOOGLE_DRIVE_OAUTH_URL',
      description: 'Where Google gives out and takes back tokens',
      default: 'https://oauth2.googleapis.com',
    },
    { name: 'GOOGLE_DRIVE_WEB_URL', description: 'Where people allow us in', default: 'https://accounts.google.com' },
  ],
  logins: [
    {
      kind: 'oauth2',
      scopes: ['https://www.googleapis.com/auth/drive.file'],
      clientIdVariable: 'GOOGLE_DRIVE_CLIENT_ID',
      clientSecretVariable: 'GOOGLE_DRIVE_CLIENT_SECRET',
      // https://developers.google.com/identity/protocols/oauth2/web-server: a refresh token comes with `offline`, and again only with `consent`.
      endpoints: ({ GOOGLE_DRIVE_OAUTH_URL, GOOGLE_DRIVE_WEB_URL }) => ({
        authorization: new URL('/o/oauth2/v2/auth?access_type=offline&prompt=consent', GOOGLE_DRIVE_WEB_URL).href,
        token: new URL('/token', GOOGLE_DRIVE_OAUTH_URL).href,
        revocation: null,
        issuer: null,
        pkce: true,
      }),
      revoke,
    },
  ],

  async account(io, signal) {
    const fields = 'user(permissionId,emailAddress,displayName)'
    const { user } = await createClient(io).call(signal, (sdk, options) => sdk.about.get({ fields }, options))
    const handle = user?.emailAddress ?? ''
    return { id: said(user?.permissionId), handle, title: user?.displayName ?? handle, url: null, declined: [] }
  },

  open: openFolder,
}
