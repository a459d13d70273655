import type { Answer } from '../kit/index.ts'

type More = { domain?: string; location?: string; locationType?: string }

/** An answer that ends a request: https://developers.google.com/workspace/drive/api/guides/handle-errors */
export class Refusal extends Error {
  readonly answer: Answer
  constructor(status: number, reason: string, message: string, more: More = {}) {
    super(reason)
    this.answer = errorAnswer(status, reason, message, more)
  }
}

export function errorAnswer(status: number, reason: string, message: string, more: More = {}): Answer {
  const { domain = 'global', ...where } = more
  return { status, json: { error: { errors: [{ domain, reason, message, ...where }], code: status, message } } }
}

export const notFound = (id: string) =>
  new Refusal(404, 'notFound', `File not found: ${id}.`, { locationType: 'parameter', location: 'fileId' })
export const invalid = (location: string) => new Refusal(400, 'invalid', 'Invalid Value', { locationType: 'parameter', location })
export const badRequest = (message: string) => new Refusal(400, 'badRequest', message)
export const quotaExceeded = () => new Refusal(403, 'storageQuotaExceeded', "The user's Drive storage quota has been exceeded.")
export const rateLimited = () =>
  errorAnswer(403, 'userRateLimitExceeded', 'User Rate Limit Exceeded. Rate of requests for user exceed configured project quota.', {
    domain: 'usageLimits',
  })
export const authError = () => errorAnswer(401, 'authError', 'Invalid Credentials', { locationType: 'header', location: 'Authorization' })
