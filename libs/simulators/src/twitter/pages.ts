import { escapeHtml } from '../kit/index.ts'
import type { Account } from './records.ts'

const page = (title: string, body: string) =>
  `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>` +
  `<style>body{font:16px system-ui;background:#fff;color:#0f1419;display:grid;place-items:center;min-height:100vh;margin:0}` +
  `form,main{border:1px solid #cfd9de;padding:2rem;border-radius:16px;max-width:26rem;margin:1rem}label{display:block;margin:.5rem 0}` +
  `input{width:100%;box-sizing:border-box;padding:.5rem}button{padding:.7rem 1.2rem;margin:1rem .5rem 0 0;border-radius:99px;border:1px solid #0f1419;background:#fff;color:#0f1419}` +
  `button[value=allow]{background:#0f1419;color:#fff}</style></head><body>${body}</body></html>`

/** What each scope lets an app do, in our words. */
const meanings: Record<string, string> = {
  'tweet.read': 'See the posts that you can see, those of protected accounts too',
  'users.read': 'See the profiles that you can see',
  'users.email': 'See your e-mail address',
  'follows.read': 'See whom you follow and who follows you',
  'like.read': 'See the posts that you liked',
  'bookmark.read': 'See your bookmarks',
  'offline.access': 'Stay connected until you take the access back',
}

type FormParts = {
  app: string
  scopes: string[]
  /** What came with the address, to be sent back. */
  query: URLSearchParams
  account: Account
  prefill: boolean
  wrong: boolean
}
const own = new Set(['username', 'password', 'decision', 'decline'])

/** Sign-in and consent in one form that any browser can send. */
export function authorizePage({ app, scopes, query, account, prefill, wrong }: FormParts): string {
  const hidden = [...query]
    .filter(([name]) => !own.has(name))
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join('')
  const value = (text: string | null) => (prefill ? ` value="${escapeHtml(text ?? '')}"` : '')
  const items = scopes.map((scope) => `<li>${escapeHtml(meanings[scope] ?? scope)}</li>`).join('')
  return page(
    `${app} wants to access your X account`,
    `<form method="post" action="/i/oauth2/authorize">${hidden}<h1>${escapeHtml(app)} wants to access your X account.</h1>` +
      `<p>It will be able to:</p><ul>${items}</ul>` +
      (wrong ? '<p role="alert">Wrong handle or password.</p>' : '') +
      `<label>Handle or e-mail<input name="username" autocomplete="username"${value(account.username)}></label>` +
      `<label>Password<input name="password" type="password" autocomplete="current-password"${value(account.password)}></label>` +
      `<button name="decision" value="allow">Authorize app</button><button name="decision" value="deny">Cancel</button></form>`,
  )
}

/** X tells the person no more than this, whatever is wrong with the address. The reason is for whoever reads a test's output. */
export function wrongPage(reason: string): string {
  return page(
    'Something went wrong',
    `<main><h1>Something went wrong</h1><p>You weren’t able to give access to the App. Go back and try logging in again.</p><p>${escapeHtml(reason)}</p></main>`,
  )
}
