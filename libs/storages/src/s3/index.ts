import type { StorageAdapter } from '@asheville/core'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { createClient, placeOf } from './client.ts'
import { openBucket } from './open-bucket.ts'
import { signIn } from './sign-in.ts'

/** A bucket at any service that speaks S3. What it can and cannot do: README.md. */
export const s3: StorageAdapter = {
  id: 's3',
  title: 'S3',
  description: 'Keeps your copies in a bucket of yours, at Amazon or any other service that speaks S3.',
  website: null,
  variables: [],
  logins: [
    {
      kind: 'fields',
      fields: [
        {
          name: 'endpoint',
          label: 'Endpoint',
          kind: 'url',
          optional: true,
          help: 'The address of the service. Empty: Amazon S3.',
          placeholder: 'https://s3.example',
          autocomplete: 'url',
        },
        {
          name: 'region',
          label: 'Region',
          kind: 'text',
          optional: true,
          help: 'If your service has regions. One that is wrong is corrected where the service says which it is.',
          placeholder: 'us-east-1',
        },
        { name: 'bucket', label: 'Bucket', kind: 'text', help: 'It must be there already.' },
        {
          name: 'folder',
          label: 'Folder',
          kind: 'text',
          optional: true,
          help: 'What all names in the bucket begin with. Asheville looks at nothing else.',
          default: 'asheville',
        },
        { name: 'accessKey', label: 'Access key', kind: 'text' },
        {
          name: 'secretKey',
          label: 'Secret key',
          kind: 'password',
          help: 'Make a pair of keys for Asheville alone, which may list, read, write and delete in this bucket and nothing else.',
        },
      ],
      signIn,
    },
  ],

  async account(io, signal) {
    const { endpoint, bucket, folder } = placeOf(io.fields)
    const { prefix, call } = createClient(io)
    const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 })
    await call(signal, (sdk, options) => sdk.send(command, options))
    const place = folder === '' ? bucket : `${bucket}/${folder}`
    return { id: `${endpoint}/${place}`, handle: `${place} at ${new URL(endpoint).host}`, title: place, url: null, declined: [] }
  },

  open: openBucket,
}
