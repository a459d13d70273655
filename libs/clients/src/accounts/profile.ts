import { route } from '@asheville/core'
import { z } from 'zod'
import { forUser, from, id, localeSchema } from './parts.ts'
import { emailSchema, nameSchema, passwordSchema, userSchema } from './people.ts'

export const profileSchema = z.strictObject({
  name: z.string(),
  locale: z.string(),
  /** What they sign in with, where they have a password, and where mail goes once it is verified. */
  email: z.string().nullable(),
  isEmailVerified: z.boolean(),
  /** False for who signs in by other means only. */
  hasPassword: z.boolean(),
  /** Whether this server sends mail at all. */
  sendsMail: z.boolean(),
})
export type Profile = z.infer<typeof profileSchema>

const linkToken = z.string().min(20).max(200)
/** What shows that it is the person who acts: their password; null for who has none, then the session must be new. */
const currentPassword = z.string().max(200).nullable()

/** What people change about themselves, and how they get back in. */
export const profileRoutes = {
  getProfile: route({
    method: 'GET',
    path: '/v1/profile',
    summary: 'What a person may change about themselves',
    policy: forUser('web'),
    reply: profileSchema,
  }),
  updateUser: route({
    method: 'PATCH',
    path: '/v1/user',
    summary: 'Change the person’s name or language',
    policy: forUser('web'),
    body: z.strictObject({ name: nameSchema.optional(), locale: localeSchema.optional() }),
    reply: userSchema,
  }),
  changeEmail: route({
    method: 'POST',
    path: '/v1/user/email',
    summary:
      'Change the e-mail address: `sent` where a mail has to be answered first, whether or not the address is another person’s; `changed` where this server sends no mail',
    policy: forUser('web'),
    body: z.strictObject({ email: emailSchema, current: currentPassword, sessionId: id }),
    reply: z.strictObject({ outcome: z.enum(['sent', 'changed']) }),
  }),
  sendVerification: route({
    method: 'POST',
    path: '/v1/user/email/verification',
    summary: 'Send the mail again that verifies the person’s address; `conflict` when there is nothing to verify',
    policy: forUser('web'),
    body: z.strictObject({}),
    reply: 'none',
  }),
  verifyEmail: route({
    method: 'POST',
    path: '/v1/email-verifications',
    summary: 'What the link in that mail does, once; `not-found` when it is none, or its time is over',
    policy: from('web'),
    body: z.strictObject({ linkToken }),
    reply: z.strictObject({ email: z.string() }),
  }),
  changePassword: route({
    method: 'PUT',
    path: '/v1/user/password',
    summary: 'Change the password, or set one; every other session of the person ends',
    policy: forUser('web'),
    body: z.strictObject({ current: currentPassword, password: passwordSchema, sessionId: id }),
    reply: 'none',
  }),
  requestPasswordReset: route({
    method: 'POST',
    path: '/v1/password-resets',
    summary: 'Ask for the mail that lets a new password be set. The answer is the same whether or not anybody has this address',
    policy: from('web'),
    body: z.strictObject({ email: emailSchema, address: z.string().max(64) }),
    reply: 'none',
  }),
  resetPassword: route({
    method: 'POST',
    path: '/v1/password-resets/use',
    summary: 'What the link in that mail does, once: a new password; all sessions end. `not-found` when it is none, or its time is over',
    policy: from('web'),
    body: z.strictObject({ linkToken, password: passwordSchema }),
    reply: 'none',
  }),
  createResetLink: route({
    method: 'POST',
    path: '/v1/password-resets/links',
    summary: 'For the operator’s command, which has this service’s own key: a link that lets a new password be set',
    policy: from('accounts'),
    body: z.strictObject({ email: emailSchema }),
    reply: z.strictObject({ link: z.url(), minutes: z.number() }),
  }),
} as const
