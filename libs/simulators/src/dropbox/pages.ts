import { escapeHtml } from '../kit/index.ts'
import type { Account } from './types.ts'

const page = (title: string, body: string) =>
  `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>` +
  `<style>body{font:16px system-ui;background:#f7f5f2;color:#1e1919;display:grid;place-items:center;min-height:100vh;margin:0}` +
  `form,main{background:#fff;padding:2rem;border-radius:8px;max-width:24rem}label{display:block;margin:.5rem 0}` +
  `input{width:100%;box-sizing:border-box;padding:.5rem}button{padding:.6rem 1rem;margin:.8rem .5rem 0 0}</style></head><body>${body}</body></html>`

type FormParts = {
  app: string
  scopes: string[]
  /** What came with the address, to be sent back. */
  query: URLSearchParams
  account: Account
  prefill: boolean
  wrong: boolean
}

/** Sign-in and consent in one form that any browser can send. */
export function authorizePage({ app, scopes, query, account, prefill, wrong }: FormParts): string {
  const hidden = [...query]
    .filter(([name]) => !['email', 'password', 'decision'].includes(name))
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join('')
  const value = (text: string) => (prefill ? ` value="${escapeHtml(text)}"` : '')
  return page(
    `${app} would like access`,
    `<form method="post" action="/oauth2/authorize">${hidden}<h1>${escapeHtml(app)}</h1>` +
      `<p>would like to:</p><ul>${scopes.map((scope) => `<li>${escapeHtml(scope)}</li>`).join('')}</ul>` +
      (wrong ? '<p role="alert">Invalid email or password</p>' : '') +
      `<label>Email<input name="email" type="email" autocomplete="username"${value(account.email)}></label>` +
      `<label>Password<input name="password" type="password" autocomplete="current-password"${value(account.password)}></label>` +
      `<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Cancel</button></form>`,
  )
}

export function codePage(code: string): string {
  return page('Access code', `<main><p>Enter this code into the app to finish.</p><input readonly value="${escapeHtml(code)}"></main>`)
}

export function errorPage(message: string): string {
  return page('Error (400)', `<main><h1>Error (400)</h1><p>${escapeHtml(message)}</p></main>`)
}
