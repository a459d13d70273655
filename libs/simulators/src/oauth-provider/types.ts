import type { SimulatorOptions } from '../kit/index.ts'

export type OAuthClientRecord = { clientId: string; clientSecret: string | null; redirectUris: string[] }

export type OAuthProviderOptions = SimulatorOptions & {
  /** User names; each has the id `<name>-1` and a password. Default: `alice`, `bob`. */
  accounts?: string[]
  /** Applications that an operator registered. With `registration`, others may register themselves (RFC 7591). */
  clients?: OAuthClientRecord[]
  registration?: boolean
  /** RFC 7636: `ignored` knows nothing of it. Default: `required`. */
  pkce?: 'required' | 'optional' | 'ignored'
  /** Whether answers name the issuer (RFC 9207). Default: true. */
  sendsIssuer?: boolean
  /** Of access tokens; null: the answer does not say. Default: 3600. */
  lifetimeSeconds?: number | null
  /** Default: true. */
  refreshTokens?: boolean
  /** Where applications show their secret: in the body, in the header (RFC 6749 §2.3.1), or as they like. Default: `any`. */
  secretIn?: 'any' | 'body' | 'header'
  /** `POST /exchange` trades an access token that is still good for one that lives so long. Default: there is no such thing. */
  exchangedSeconds?: number
  /** `POST /disconnect` with a bearer token that is still good ends all that the account allowed the application. Default: false. */
  disconnect?: boolean
}

/** What the provider says wrongly, of its own will or because somebody is in between; for the next authorisation only. */
export type Lie =
  /** The browser comes back with another state, or none. */
  | { kind: 'wrong-state' }
  | { kind: 'no-state' }
  /** The answer names another issuer: a mix-up. */
  | { kind: 'wrong-issuer'; issuer: string }
  /** The challenge was cut from the request on its way (RFC 9700 §4.8.2). */
  | { kind: 'challenge-lost' }
  /** The challenge was changed on its way to method `plain`, with the attacker's own verifier. */
  | { kind: 'challenge-plain'; verifier: string }
  /** The browser comes back with a code of somebody else's authorisation. */
  | { kind: 'injected-code'; code: string }

/** What it saw. */
export type OAuthCounts = {
  registrations: number
  authorizations: number
  exchanges: number
  codeReuses: number
  /** Authorisations without a challenge, and with the method `plain`. */
  withoutChallenge: number
  plainChallenges: number
  wrongVerifiers: number
  /** A verifier for a code that was asked for without a challenge: somebody cut it out. */
  downgrades: number
  wrongRedirects: number
  refreshes: number
  refreshReuses: number
  revocations: number
  /** At `/exchange`, and refused ones among them. */
  trades: number
  refusedTrades: number
  disconnects: number
}

export type Grant = {
  account: string
  clientId: string
  accessToken: string
  refreshToken: string
  /** When the access token ends, in milliseconds; null: never. */
  expiresAt: number | null
  isRevoked: boolean
}
