import { escapeHtml } from '../kit/index.ts'
import type { AccountRecord } from './types.ts'

const page = (title: string, body: string) =>
  `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>` +
  `<style>body{font:16px system-ui;background:#191b22;color:#fff;display:grid;place-items:center;min-height:100vh;margin:0}` +
  `form,main{background:#282c37;padding:2rem;border-radius:8px;max-width:24rem}label{display:block;margin:.5rem 0}` +
  `input{width:100%;box-sizing:border-box;padding:.5rem}button{padding:.6rem 1rem;margin:.8rem .5rem 0 0}</style></head><body>${body}</body></html>`

type FormParts = { app: string; scopes: string[]; query: URLSearchParams; account: AccountRecord; prefill: boolean; wrong: boolean }
const carried = ['client_id', 'redirect_uri', 'response_type', 'scope', 'state', 'code_challenge', 'code_challenge_method']

/** Sign-in and consent in one form that any browser can send. */
export function authorizePage({ app, scopes, query, account, prefill, wrong }: FormParts): string {
  const hidden = carried
    .filter((name) => query.has(name))
    .map((name) => `<input type="hidden" name="${name}" value="${escapeHtml(query.get(name)!)}">`)
    .join('')
  const value = (text: string | null) => (prefill ? ` value="${escapeHtml(text ?? '')}"` : '')
  return page(
    'Authorization required',
    `<form method="post" action="/oauth/authorize">${hidden}<h1>Authorization required</h1>` +
      `<p><strong>${escapeHtml(app)}</strong> would like permission to access your account.</p><ul>${scopes.map((scope) => `<li>${escapeHtml(scope)}</li>`).join('')}</ul>` +
      (wrong ? '<p role="alert">Invalid E-mail address or password.</p>' : '') +
      `<label>E-mail address or user name<input name="username" autocomplete="username"${value(account.username)}></label>` +
      `<label>Password<input name="password" type="password" autocomplete="current-password"${value(account.password)}></label>` +
      `<button name="decision" value="authorize">Authorize</button><button name="decision" value="deny">Deny</button></form>`,
  )
}

export function codePage(code: string): string {
  return page(
    'Authorization code',
    `<main><p>Copy this authorization code and paste it to the application.</p><input readonly class="oauth-code" value="${escapeHtml(code)}"></main>`,
  )
}

export function errorPage(message: string): string {
  return page('An error has occurred', `<main><h1>An error has occurred</h1><p>${escapeHtml(message)}</p></main>`)
}

export function notFoundPage(): string {
  return page("The page you are looking for isn't here", "<main><h1>The page you are looking for isn't here.</h1></main>")
}

export function brokenPage(): string {
  return page(
    "We're sorry, but something went wrong on our end.",
    "<main><h1>We're sorry, but something went wrong on our end.</h1></main>",
  )
}
