import type { Answer } from '../kit/index.ts'

const base = 'https://api.twitter.com/2/problems'
const problemType = { 'content-type': 'application/problem+json' }

function plain(status: number, title: string, detail = title): Answer {
  return { status, json: { title, detail, type: 'about:blank', status }, headers: problemType }
}

/** The answers of X's API v2 that are no data (docs.x.com: response codes and errors; the OpenAPI description's Problem schemas). */
export const problems = {
  unauthorized: (): Answer => plain(401, 'Unauthorized'),
  /** The token lacks a scope: X says no more than this. */
  forbidden: (): Answer => plain(403, 'Forbidden'),
  notFound: (): Answer => plain(404, 'Not Found'),
  tooManyRequests: (): Answer => plain(429, 'Too Many Requests'),
  broken: (status: number): Answer =>
    plain(status, status === 503 ? 'Service Unavailable' : status === 502 ? 'Bad Gateway' : 'Internal Server Error'),
  suspended: (): Answer => ({
    status: 403,
    json: { title: 'Forbidden', detail: 'The user used for authentication is suspended', type: `${base}/user-suspended`, status: 403 },
    headers: problemType,
  }),
  notEnrolled: (clientId: string): Answer => ({
    status: 403,
    json: {
      client_id: clientId,
      detail:
        'When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens from a Twitter developer App that is attached to a Project. You can create a project via the developer portal.',
      registration_url: 'https://developer.twitter.com/en/docs/projects/overview',
      title: 'Client Forbidden',
      required_enrollment: 'Appropriate Level of API Access',
      reason: 'client-not-enrolled',
      type: `${base}/client-forbidden`,
    },
    headers: problemType,
  }),
  usageCapped: (accountId: string): Answer => ({
    status: 429,
    json: {
      account_id: accountId,
      product_name: 'standard-basic',
      title: 'UsageCapExceeded',
      period: 'Monthly',
      scope: 'Product',
      detail: 'Usage cap exceeded: Monthly product cap',
      type: `${base}/usage-capped`,
    },
    headers: problemType,
  }),
  invalid: (faults: Fault[]): Answer => ({
    status: 400,
    json: {
      errors: faults,
      title: 'Invalid Request',
      detail: 'One or more parameters to your request was invalid.',
      type: `${base}/invalid-request`,
    },
  }),
}
/** What is wrong with one parameter of a request. */
export type Fault = { parameters: Record<string, string[]>; message: string }

type ResourceType = 'tweet' | 'user'
const nameOf = (type: ResourceType) => (type === 'tweet' ? 'Tweet' : 'user')

/** Partial errors: they come inside of a 200. `parameter` is where the id was named. */
export const partial = {
  missing: (type: ResourceType, parameter: string, value: string) => ({
    value,
    detail: `Could not find ${type} with ${parameter}: [${value}].`,
    title: 'Not Found Error',
    resource_type: type,
    parameter,
    resource_id: value,
    type: `${base}/resource-not-found`,
  }),
  unauthorized: (type: ResourceType, parameter: string, value: string, section: 'data' | 'includes') => ({
    value,
    detail: `Sorry, you are not authorized to see the ${nameOf(type)} with ${parameter}: [${value}].`,
    title: 'Authorization Error',
    resource_type: type,
    parameter,
    resource_id: value,
    section,
    type: `${base}/not-authorized-for-resource`,
  }),
  suspended: (parameter: string, value: string) => ({
    value,
    detail: `User has been suspended: [${value}].`,
    title: 'Forbidden',
    resource_type: 'user',
    parameter,
    resource_id: value,
    type: `${base}/resource-not-found`,
  }),
  field: (field: string, id: string, section: 'data' | 'includes') => ({
    resource_id: id,
    resource_type: 'tweet',
    field,
    title: 'Field Authorization Error',
    detail: `Sorry, you are not authorized to access '${field}' on the Tweet with id : [${id}].`,
    section,
    type: `${base}/not-authorized-for-field`,
  }),
}
export type PartialError = ReturnType<(typeof partial)[keyof typeof partial]>
