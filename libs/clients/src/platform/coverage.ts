import { contentTypeSchema, instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { id, count, read, storageBody } from './parts.ts'

/** Looking through all copies in a storage by their hashes: how far it is. */
export const verificationSchema = z
  .strictObject({
    storageId: id,
    state: z.enum(['running', 'done', 'failed']),
    /** Why it failed, or what it waits for. */
    reason: z.string().nullable(),
    step: z.enum(['folders', 'pages', 'media', 'showing']),
    /** Page files, media files and bytes looked at so far. */
    pages: count,
    files: count,
    bytes: count,
    startedAt: instantSchema,
    finishedAt: instantSchema.nullable(),
  })
  .meta({ id: 'Verification' })
export type StoredVerification = z.infer<typeof verificationSchema>

const ofType = { storageId: id, connectionId: id, network: z.string(), contentType: contentTypeSchema } as const

/** What is there, what was seen to be sound, and what is missing. */
export const coverageSchema = z.strictObject({
  types: z.array(
    z.strictObject({
      ...ofType,
      items: count,
      /** Of these, deleted on their network. */
      gone: count,
      /** Of these, in a file whose bytes were seen to be right since it was written. */
      verified: count,
      /** What they take in their page files. Their pictures and films count as `media`: one file may be shown by items of several types and networks. */
      bytes: count,
      oldest: instantSchema.nullable(),
      newest: instantSchema.nullable(),
    }),
  ),
  /** Items that were stored and are not in their files any more, by month; null: without a date. */
  absent: z.array(
    z.strictObject({
      ...ofType,
      /** `taken-out` by the person; `page-deleted` with its file; `damaged`. */
      cause: z.enum(['taken-out', 'page-deleted', 'damaged']),
      /** Deleted on its network before: nobody can bring it back. */
      wasGone: z.boolean(),
      /** It is being looked for. */
      isWanted: z.boolean(),
      month: z.string().nullable(),
      items: count,
    }),
  ),
  media: z.array(z.strictObject({ storageId: id, files: count, bytes: count, verified: count, missing: count, damaged: count })),
  verifications: z.array(verificationSchema),
})
export type Coverage = z.infer<typeof coverageSchema>

/** Whether what is stored is all of it, and as it was stored. */
export const coverageRoutes = {
  startVerification: route({
    method: 'POST',
    path: '/v1/verifications',
    summary:
      'Look through a storage by the bytes of every file, in the background; asked again meanwhile, how far it is. `isFolderGone`: what is not there is not looked for elsewhere',
    policy: { who: 'service', from: ['web'], user: true },
    body: storageBody.extend({ isFolderGone: z.boolean().default(false) }),
    reply: verificationSchema,
  }),
  getCoverage: route({
    method: 'GET',
    path: '/v1/coverage',
    summary:
      'What is stored, what it takes, and what of it is verified and missing, by storage, connection, content type and month; for our own services files too',
    policy: read,
    reply: coverageSchema,
  }),
  prepareRepair: route({
    method: 'POST',
    path: '/v1/repairs',
    summary:
      'Whatever is missing or damaged is wanted back: which ranges of which streams are to be walked again, and which have files to be had again. Repeating it answers what is still wanted',
    policy: { who: 'service', from: ['conductor'], user: true },
    body: storageBody,
    reply: z.strictObject({
      streams: z.array(
        z.strictObject({
          connectionId: id,
          stream: z.string(),
          ranges: z.array(z.strictObject({ from: instantSchema.nullable(), to: instantSchema.nullable() })),
        }),
      ),
    }),
  }),
  leaveOut: route({
    method: 'POST',
    path: '/v1/leave-out',
    summary: 'What was in files that the person deleted is not to come back: it is noted among their decisions',
    policy: { who: 'service', from: ['web'], user: true },
    body: storageBody,
    reply: 'none',
  }),
} as const
