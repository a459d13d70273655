import type { Agent } from 'node:https'

/** An operator's setting that an adapter reads, such as a base address. Documented in `.env.example` from here. */
export interface Variable {
  /** As in the environment: `BLUESKY_API_URL`. */
  readonly name: string
  readonly description: string
  readonly default: string
}

/** One thing that a person fills in to connect. */
export interface Field {
  readonly name: string
  readonly label: string
  readonly kind: 'text' | 'url' | 'password'
  /** May be left empty. */
  readonly optional?: boolean
  /** Shown below the field: what to write and where to find it. */
  readonly help?: string
  readonly placeholder?: string
  readonly default?: string
  readonly autocomplete?: string
}

/** What a person filled in, by field name. Passwords are here only while signing in; they are never stored. */
export type Fields = Readonly<Record<string, string>>

/** What lets us act for a person. Only accounts stores these, sealed. Instants are ISO 8601. */
export interface Tokens {
  accessToken: string
  expiresAt: string | null
  refreshToken: string | null
}

/** An application's registration with an authorisation server. */
export interface OAuthClient {
  clientId: string
  clientSecret: string | null
}

/**
 * The addresses of an OAuth 2 authorisation server. `issuer` where it identifies itself (RFC 9207). Our secret goes to it in the
 * body of the request unless it insists on the `Authorization` header (RFC 6749 §2.3.1).
 */
export interface OAuthEndpoints {
  authorization: string
  token: string
  revocation: string | null
  issuer: string | null
  pkce: boolean
  secretIn?: 'body' | 'header'
}

/** What signing in may do: reach the network through the guarded client, within a deadline. */
export interface LoginIo {
  readonly http: Http
  readonly variables: Fields
  readonly signal: AbortSignal
  now(): Date
}

/** What signing in brought: `fields` are those that are no secrets. */
export interface LoggedIn {
  tokens: Tokens | null
  server: string | null
  fields: Fields
}

/** A page of the person's own server where they allow us in, and what their answer is asked for with (a secret, kept sealed for ten minutes). */
export interface Approval {
  url: string
  secret: string
}

/** The same, as the app that the operator registered with the provider. */
export interface AppIo extends LoginIo {
  readonly client: OAuthClient
}

/**
 * How a person links an account; data, so that one connect flow serves every adapter.
 * - `fields`: the person fills in fields; `signIn` turns them into tokens (or null where none are needed) and keeps the
 *   fields that are no secrets. It throws `invalid` with faults by field (`/password`) when they are wrong. Where the person's server lets
 *   them allow it in their browser instead, `approval.begin` answers the page for that (null: what they filled in is enough), and
 *   `approval.finish` is asked from time to time: null, not yet. `revoke` gets the connection's server and fields.
 * - `oauth2-per-server`: the person names a server; we register there once (RFC 7591 or the server's own way), then OAuth 2.
 * - `oauth2`: the operator registered one app with the provider; its id and secret are variables, and `io.client` in what follows.
 *   `exchange` trades what the code brought for what lasts longer, before anything is asked with it. `refresh` and `revoke` are for a
 *   provider that has its own way instead of RFC 6749 §6 and RFC 7009, with the errors of those: `reconnect-required` when the grant is
 *   dead, `unavailable`, `rate-limited`. `refresh` is also asked where there is no refresh token: at half of the access token's life,
 *   whether anybody pulls or not, it trades the one that is still good for a new one. `revoke` gets an access token that was renewed before,
 *   if it was over.
 * With a storage that has one of the last two people can also sign in. The one redirect URI to register: of a storage
 * `<WEB_URL>/sign-in/<id>/callback`, of a network `<WEB_URL>/connect/<id>/callback`.
 */
export type Login =
  | {
      readonly kind: 'fields'
      readonly fields: readonly Field[]
      signIn(fields: Fields, io: LoginIo): Promise<LoggedIn>
      readonly approval?: {
        begin(fields: Fields, io: LoginIo): Promise<Approval | null>
        finish(secret: string, fields: Fields, io: LoginIo): Promise<LoggedIn | null>
      }
      refresh?(tokens: Tokens, server: string | null, io: LoginIo): Promise<Tokens>
      revoke?(tokens: Tokens, of: Pick<LoggedIn, 'server' | 'fields'>, io: LoginIo): Promise<void>
    }
  | {
      readonly kind: 'oauth2-per-server'
      readonly fields: readonly [Field]
      readonly scopes: readonly string[]
      /** From what the person wrote (`example.social`, `@me@example.social`, an address) to the server's origin and endpoints. */
      discover(server: string, io: LoginIo): Promise<{ server: string; endpoints: OAuthEndpoints }>
      register(server: string, redirectUri: string, io: LoginIo): Promise<OAuthClient>
    }
  | {
      readonly kind: 'oauth2'
      /** By the operator's variables where the provider lets only some apps ask for some of them. */
      readonly scopes: readonly string[] | ((variables: Fields) => readonly string[])
      readonly clientIdVariable: string
      readonly clientSecretVariable: string
      endpoints(variables: Fields): OAuthEndpoints
      exchange?(tokens: Tokens, io: AppIo): Promise<Tokens>
      refresh?(tokens: Tokens, io: AppIo): Promise<Tokens>
      revoke?(tokens: Tokens, io: AppIo): Promise<void>
    }

/**
 * Ways out, all guarded (private addresses refused unless the operator allows them), all with deadlines.
 * `fetch` for most; `longPoll` where the other side holds its answer back until it has news: the caller's signal alone ends that wait;
 * `agent` for SDKs that insist on Node's own HTTP client.
 */
export interface Http {
  readonly fetch: typeof fetch
  readonly longPoll: typeof fetch
  readonly agent: Agent
}

/** Who a connection turned out to be. `id` is stable on that network or storage, whatever the handle becomes. */
/** What may change of an account. */
export interface AccountNames {
  handle: string
  title: string
  url: string | null
}

export interface Account extends AccountNames {
  id: string
  /**
   * Scopes that the person declined; the streams that need them are not pulled, and shown as such. What the answer with the tokens says was
   * granted (RFC 6749 §5.1) is known already: this is for networks that tell it elsewhere.
   */
  declined: string[]
}
