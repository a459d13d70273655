import { escapeHtml } from '../kit/index.ts'
import { permissions } from './permissions.ts'
import type { Person } from './records.ts'

const page = (title: string, body: string) =>
  `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>` +
  `<style>body{font:16px system-ui;background:#f0f2f5;color:#1c1e21;display:grid;place-items:center;min-height:100vh;margin:0}` +
  `form,main{background:#fff;padding:2rem;border-radius:8px;max-width:26rem;margin:1rem}label{display:block;margin:.5rem 0}` +
  `input:not([type=checkbox]){width:100%;box-sizing:border-box;padding:.5rem}button{padding:.7rem 1.2rem;margin:1rem .5rem 0 0;border-radius:6px;border:1px solid #1877f2;background:#fff;color:#1877f2}` +
  `button[value=allow]{background:#1877f2;color:#fff}</style></head><body>${body}</body></html>`

type FormParts = {
  app: string
  action: string
  asked: string[]
  /** What came with the address, to be sent back. */
  query: URLSearchParams
  account: Person
  prefill: boolean
  wrong: boolean
}
const own = new Set(['username', 'password', 'decision', 'permission'])

/** Sign-in and consent in one form that any browser can send: what is not ticked is declined. */
export function dialogPage({ app, action, asked, query, account, prefill, wrong }: FormParts): string {
  const hidden = [...query]
    .filter(([name]) => !own.has(name))
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join('')
  const value = (text: string | null) => (prefill ? ` value="${escapeHtml(text ?? '')}"` : '')
  const boxes = asked
    .filter((name) => name !== 'public_profile')
    .map(
      (name) =>
        `<label><input type="checkbox" name="permission" value="${escapeHtml(name)}" checked> ${escapeHtml(permissions[name]!)}</label>`,
    )
    .join('')
  return page(
    `Log in to ${app}`,
    `<form method="post" action="${escapeHtml(action)}">${hidden}<h1>${escapeHtml(app)} is requesting access to:</h1>` +
      `<p>Your name and profile picture.</p>${boxes}` +
      (wrong ? '<p role="alert">The e-mail address or the password is wrong.</p>' : '') +
      `<label>E-mail address<input name="username" autocomplete="username"${value(account.email)}></label>` +
      `<label>Password<input name="password" type="password" autocomplete="current-password"${value(account.password)}></label>` +
      `<button name="decision" value="allow">Continue as ${escapeHtml(account.firstName)}</button><button name="decision" value="deny">Cancel</button></form>`,
  )
}

/** A page on which a login ends that cannot go back to the app. */
export const wrongPage = (title: string, text: string): string =>
  page(title, `<main><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p></main>`)
