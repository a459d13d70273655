import { randomBytes } from 'node:crypto'
import type { Answer } from '../kit/index.ts'

/** An error in Graph's own words. Without a status: 400, as nearly all of them. */
export type Told = {
  code: number
  message: string
  subcode?: number
  status?: number
  type?: string
  isTransient?: boolean
  /** Title and text that may be shown to the person. */
  forPerson?: [title: string, text: string]
}

/** Ends a call with an error of Graph. */
export class GraphError extends Error {
  readonly told: Told
  constructor(told: Told) {
    super(told.message)
    this.told = told
  }
}

/** The body and headers of an error (developers.facebook.com/docs/graph-api/guides/error-handling). */
export function errorAnswer({ code, message, subcode, status = 400, type = 'OAuthException', isTransient, forPerson }: Told): Answer {
  const error = {
    message,
    type,
    ...(isTransient === true && { is_transient: true }),
    code,
    ...(subcode !== undefined && { error_subcode: subcode }),
    ...(forPerson && { error_user_title: forPerson[0], error_user_msg: forPerson[1] }),
    fbtrace_id: `A${randomBytes(16).toString('base64url')}`,
  }
  const kind = code === 190 ? 'invalid_token' : code === 4 || code === 17 || code === 32 || code === 613 ? 'rate_limit' : 'invalid_request'
  const header: Record<string, string> =
    type === 'OAuthException' ? { 'www-authenticate': `OAuth "Facebook Platform" "${kind}" "${ascii(message)}"` } : {}
  return { status, json: { error }, headers: { ...header, 'cache-control': 'no-store' } }
}

/** What a call is refused with by code (the guides "Handling errors" and "Rate limits"), for errors that a test plans. */
export const byCode: Record<number, Omit<Told, 'code'>> = {
  1: { message: 'An unknown error has occurred.', status: 500 },
  2: { message: 'An unexpected error has occurred. Please retry your request later.', status: 500, isTransient: true },
  3: { message: '(#3) Application does not have the capability to make this API call.' },
  4: { message: '(#4) Application request limit reached', status: 403, isTransient: true },
  10: { message: '(#10) Application does not have permission for this action', status: 403 },
  17: { message: '(#17) User request limit reached', status: 403, isTransient: true, subcode: 2446079 },
  32: { message: '(#32) Page request limit reached', status: 403, isTransient: true },
  100: { message: '(#100) Invalid parameter' },
  102: { message: 'Session key invalid or no longer valid', status: 401 },
  190: { message: 'Invalid OAuth access token - Cannot parse access token' },
  200: { message: '(#200) Permissions error', status: 403 },
  341: { message: '(#341) Feed action request limit reached', status: 403, isTransient: true },
  368: {
    message: 'The action attempted has been deemed abusive or is otherwise disallowed',
    forPerson: [
      'You’re Temporarily Blocked',
      'It looks like you were misusing this feature by going too fast. You’ve been blocked from using it.',
    ],
  },
  613: { message: '(#613) Calls to this api have exceeded the rate limit.', status: 403 },
  80001: {
    message: '(#80001) There have been too many calls to this Page account. Wait a bit and try again.',
    status: 403,
    isTransient: true,
  },
}

export const errors = {
  unknownPath: (path: string) => new GraphError({ code: 2500, message: `Unknown path components: ${path}` }),
  noToken: (isAboutMe: boolean) =>
    new GraphError(
      isAboutMe
        ? { code: 2500, message: 'An active access token must be used to query information about the current user.' }
        : { code: 104, message: 'An access token is required to request this resource.' },
    ),
  missing: (id: string, verb = 'get') =>
    new GraphError({
      code: 100,
      subcode: 33,
      type: 'GraphMethodException',
      message: `Unsupported ${verb} request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api`,
    }),
  noField: (field: string, nodeType: string) =>
    new GraphError({ code: 100, message: `(#100) Tried accessing nonexisting field (${field}) on node type (${nodeType})` }),
  badParameter: (what: string) => new GraphError({ code: 100, message: `(#100) ${what}` }),
  badCursor: () => new GraphError({ code: 2642, message: '(#2642) Invalid cursors values' }),
  tooMuch: () =>
    new GraphError({ code: 1, status: 500, message: 'Please reduce the amount of data you’re asking for, then retry your request' }),
  noPermission: (code: 10 | 200, permission: string) =>
    new GraphError({
      code,
      status: 403,
      message:
        code === 10
          ? `(#10) This endpoint requires the '${permission}' permission or the 'Page Public Content Access' feature.`
          : `(#200) Requires ${permission} permission to manage the object`,
    }),
  proof: (isMissing: boolean) =>
    new GraphError({
      code: 100,
      type: 'GraphMethodException',
      message: isMissing
        ? 'API calls from the server require an appsecret_proof argument'
        : 'Invalid appsecret_proof provided in the API argument',
    }),
}

const ascii = (text: string) => text.replace(/[^\x20-\x7e]/g, '?').replaceAll('"', "'")
