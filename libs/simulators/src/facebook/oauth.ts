import { createHash, randomBytes } from 'node:crypto'
import type { Answer, Call, Counters } from '../kit/index.ts'
import { GraphError } from './errors.ts'
import { dialogPage, wrongPage } from './pages.ts'
import { parametersOf, tokenOf } from './parameters.ts'
import { answerDialog, may, permissions } from './permissions.ts'
import type { Person } from './records.ts'
import type { Token, Tokens } from './tokens.ts'
import type { FacebookApp } from './types.ts'

type Challenge = { value: string; method: string }
type Code = { person: Person; redirectUri: string; challenge: Challenge | null; expiresMs: number; isUsed: boolean }
type Parts = {
  app: Required<FacebookApp>
  tokens: Tokens
  people: () => Person[]
  codeSeconds: number
  omitExpiresIn: boolean
  prefill: boolean
  now: () => number
  counters: () => Counters
}
const dataAccessMs = 90 * 86_400_000

/**
 * The login dialog and the tokens (developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow, …/access-tokens/get-long-lived,
 * …/graph-api/reference/debug_token). There are no refresh tokens.
 */
export function createOAuth({ app, tokens, people, codeSeconds, omitExpiresIn, prefill, now, counters }: Parts) {
  const codes = new Map<string, Code>()
  const refusal = (code: number, message: string, subcode?: number) =>
    new GraphError({ code, message, ...(subcode !== undefined && { subcode }) })

  type Asked = { redirectUri: string; asked: string[]; state: string | null; challenge: Challenge | null; isRerequest: boolean }
  /** What is wrong with a request for the dialog (the page says it), or the request in a usable form. */
  function checkRequest(query: URLSearchParams): [title: string, text: string] | Asked {
    const redirectUri = query.get('redirect_uri') ?? ''
    const asked = [...new Set(['public_profile', ...(query.get('scope') ?? '').split(/[\s,]+/).filter(Boolean)])]
    if (!tokens.isAppKnown() || query.get('client_id') !== app.id)
      return ['Invalid App ID', 'The provided app ID does not look like a valid app ID.']
    if (!app.redirectUris.includes(redirectUri))
      return [
        'URL Blocked',
        'This redirect failed because the redirect URI is not whitelisted in the app’s Client OAuth Settings. Make sure Client and Web OAuth Login are on and add all your app domains as Valid OAuth Redirect URIs.',
      ]
    const unknown = asked.filter((name) => permissions[name] === undefined)
    if (unknown.length > 0) return ['Invalid Scopes', `Invalid Scopes: ${unknown.join(', ')}. This message is only shown to developers.`]
    if ((query.get('response_type') ?? 'code') !== 'code') return ['Invalid response type', 'The simulator knows the code flow only.']
    const challenge = query.get('code_challenge')
    const method = query.get('code_challenge_method') ?? 'plain'
    if (challenge !== null && method !== 'S256' && method !== 'plain')
      return ['Invalid code challenge', 'code_challenge_method is neither S256 nor plain.']
    return {
      redirectUri,
      asked,
      state: query.get('state'),
      challenge: challenge === null ? null : { value: challenge, method },
      isRerequest: (query.get('auth_type') ?? '').split(',').includes('rerequest'),
    }
  }

  const wrongAnswer = ([title, text]: [string, string]): Answer => ({ status: 400, html: wrongPage(title, text) })
  const form = (call: Call, query: URLSearchParams, asked: string[], wrong: boolean) =>
    dialogPage({ app: app.name, action: call.path, asked, query, account: people()[0]!, prefill, wrong })

  function showDialog(call: Call): Answer {
    const request = checkRequest(call.query)
    if (Array.isArray(request)) return wrongAnswer(request)
    return { html: form(call, call.query, request.asked, false), headers: { 'cache-control': 'no-store' } }
  }

  /** The form comes back with an address, a password, `decision` = allow or deny, and a `permission` for each that is ticked. */
  function decide(call: Call): Answer {
    const typed = new URLSearchParams(call.body.toString('utf8'))
    const request = checkRequest(typed)
    if (Array.isArray(request)) return wrongAnswer(request)
    const { redirectUri, state, challenge } = request
    const withState: Record<string, string> = state === null ? {} : { state }
    if (typed.get('decision') === 'deny')
      return redirect(redirectUri, {
        error: 'access_denied',
        error_code: '200',
        error_description: 'Permissions error',
        error_reason: 'user_denied',
        ...withState,
      })
    const name = (typed.get('username') ?? '').toLowerCase()
    const person = people().find((one) => (one.email === name || one.key.toLowerCase() === name) && one.password === typed.get('password'))
    if (!person) return { status: 401, html: form(call, typed, request.asked, true) }
    answerDialog(person, request.asked, new Set(typed.getAll('permission')), request.isRerequest)
    const code = `AQ${randomBytes(96).toString('base64url')}`
    codes.set(code, { person, redirectUri, challenge, expiresMs: now() + codeSeconds * 1000, isUsed: false })
    return redirect(redirectUri, { code, ...withState })
  }

  function token(call: Call): Answer {
    const parameters = parametersOf(call)
    checkApp(parameters)
    const type = parameters.get('grant_type') ?? 'authorization_code'
    if (type === 'authorization_code') return forCode(parameters)
    if (type === 'fb_exchange_token') return exchange(parameters)
    if (type === 'client_credentials') return { json: { access_token: `${app.id}|${app.secret}`, token_type: 'bearer' } }
    throw new GraphError({ code: 1, message: `Invalid grant_type: '${type}'. Supported types: authorization_code, client_credentials` })
  }

  function checkApp(parameters: URLSearchParams): void {
    if (!parameters.has('client_id')) throw refusal(101, 'Missing client_id parameter.')
    if (!tokens.isAppKnown() || parameters.get('client_id') !== app.id)
      throw refusal(101, 'Error validating application. Cannot get application info due to a system error.')
    if (!parameters.has('client_secret')) throw refusal(1, 'Missing client_secret parameter.')
    if (parameters.get('client_secret') !== app.secret) throw refusal(1, 'Error validating client secret.')
  }

  function forCode(parameters: URLSearchParams): Answer {
    if (!parameters.has('redirect_uri')) throw refusal(191, 'Missing redirect_uri parameter.')
    if (!parameters.has('code')) throw refusal(1, 'Missing authorization code')
    const code = codes.get(parameters.get('code')!)
    if (!code) throw refusal(100, 'Invalid verification code format.')
    if (code.isUsed) {
      counters().add('codeReuse')
      throw refusal(100, 'This authorization code has been used.', 36009)
    }
    if (code.expiresMs <= now()) throw refusal(100, 'This authorization code has expired.', 36007)
    if (parameters.get('redirect_uri') !== code.redirectUri)
      throw refusal(
        100,
        'Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request',
        36008,
      )
    if (code.challenge && !isVerified(code.challenge, parameters.get('code_verifier') ?? ''))
      throw refusal(100, 'Error validating verification code. The code_verifier does not match the code_challenge')
    code.isUsed = true
    return answerWith(tokens.issue(code.person, false))
  }

  function exchange(parameters: URLSearchParams): Answer {
    if (!parameters.has('fb_exchange_token')) throw refusal(1, 'fb_exchange_token parameter not specified')
    counters().add('exchanges')
    return answerWith(tokens.lengthen(tokens.check(parameters.get('fb_exchange_token')!)))
  }

  const answerWith = (made: Token): Answer => ({
    json: {
      access_token: made.value,
      token_type: 'bearer',
      ...(!omitExpiresIn && { expires_in: Math.floor((made.expiresMs - now()) / 1000) }),
    },
    headers: { 'cache-control': 'private, no-cache, no-store, must-revalidate', pragma: 'no-cache' },
  })

  /** What a token is worth, told to the app (`app id|app secret` as its token) or to the same person. */
  function debug(call: Call): Answer {
    const asker = tokenOf(call) ?? ''
    const input = call.query.get('input_token')
    if (input === null) throw refusal(100, '(#100) The parameter input_token is required')
    if (asker !== `${app.id}|${app.secret}`) tokens.check(asker)
    const found = tokens.find(input)
    if (!found) {
      const error = { code: 190, message: 'Invalid OAuth access token - Cannot parse access token' }
      return { json: { data: { error, is_valid: false, scopes: [] } } }
    }
    const wrong = tokens.wrongWith(found)?.told
    const seconds = (ms: number) => Math.floor(ms / 1000)
    const scopes = [...found.person.permissions.keys()].filter((name) => may(found.person, name))
    return {
      json: {
        data: {
          app_id: app.id,
          type: 'USER',
          application: app.name,
          data_access_expires_at: seconds(found.issuedMs + dataAccessMs),
          ...(wrong && { error: { code: wrong.code, message: wrong.message, subcode: wrong.subcode } }),
          expires_at: seconds(found.expiresMs),
          is_valid: wrong === undefined,
          issued_at: seconds(found.issuedMs),
          scopes,
          user_id: found.person.id,
        },
      },
    }
  }

  return { showDialog, decide, token, debug }
}
export type OAuth = ReturnType<typeof createOAuth>

function isVerified({ value, method }: Challenge, verifier: string): boolean {
  return value === (method === 'plain' ? verifier : createHash('sha256').update(verifier).digest('base64url'))
}

/** Facebook ends these addresses with an odd fragment. */
function redirect(uri: string, values: Record<string, string>): Answer {
  const url = new URL(uri)
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value)
  return { status: 302, headers: { location: `${url.href}#_=_`, 'cache-control': 'no-store' }, text: '' }
}
