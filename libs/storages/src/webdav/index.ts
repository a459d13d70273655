import { AshevilleError, type StorageAdapter } from '@asheville/core'
import { createClient } from './client.ts'
import { beginApproval, finishApproval, revoke } from './login-flow.ts'
import { openFolder, rootOf } from './open-folder.ts'
import { propfind } from './propfind.ts'
import { signIn } from './sign-in.ts'

/** A folder on any server that speaks WebDAV, Nextcloud among them. What it can and cannot do: README.md. */
export const webdav: StorageAdapter = {
  id: 'webdav',
  title: 'WebDAV',
  description: 'Keeps your copies in a folder on your Nextcloud, ownCloud or any other server that speaks WebDAV.',
  website: null,
  variables: [],
  logins: [
    {
      kind: 'fields',
      fields: [
        {
          name: 'address',
          label: 'Address',
          kind: 'url',
          help: 'Of your Nextcloud, or of the folder on any other WebDAV server.',
          placeholder: 'https://cloud.example',
          autocomplete: 'url',
        },
        {
          name: 'user',
          label: 'User name',
          kind: 'text',
          optional: true,
          help: 'A Nextcloud asks you itself, in your browser: leave this and the password empty.',
          autocomplete: 'username',
        },
        {
          name: 'password',
          label: 'App password',
          kind: 'password',
          optional: true,
          help: 'Of any other server. Where it lets you, make one for Asheville alone, which can be withdrawn there at any time.',
          autocomplete: 'off',
        },
        {
          name: 'folder',
          label: 'Folder',
          kind: 'text',
          optional: true,
          help: 'Made if it is not there yet. Asheville looks at nothing else.',
          default: 'Asheville',
        },
      ],
      signIn,
      approval: { begin: beginApproval, finish: finishApproval },
      revoke,
    },
  ],

  async account(io, signal) {
    const { user, address, folder } = io.fields
    const found = await propfind(createClient(io), rootOf(io), 0, signal)
    if (found === null) throw new AshevilleError('invalid', 'The folder is not on the WebDAV server any more')
    const { host } = new URL(rootOf(io))
    // On some servers everybody has their own folder at one address.
    return { id: `${user}@${rootOf(io)}`, handle: `${user}@${host}`, title: `${folder} on ${host}`, url: address ?? null, declined: [] }
  },

  open: openFolder,
}
