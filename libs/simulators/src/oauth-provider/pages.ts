import { escapeHtml } from '../kit/index.ts'

export function page(title: string, body: string): string {
  return (
    `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>` +
    `<style>body{font:16px system-ui;display:grid;place-items:center;min-height:100vh;margin:0;background:#eef1f4;color:#1c2733}` +
    `form,main{background:#fff;padding:2rem;border-radius:8px;max-width:24rem}label{display:block;margin:.5rem 0}` +
    `input{width:100%;box-sizing:border-box;padding:.5rem}button{padding:.6rem 1rem;margin:.8rem .5rem 0 0}</style></head><body>${body}</body></html>`
  )
}

const carried = ['client_id', 'redirect_uri', 'response_type', 'scope', 'state', 'code_challenge', 'code_challenge_method']

/** Sign-in and consent in one form that any browser can send. */
export function consentPage(query: URLSearchParams, prefilled: { name: string; password: string }, isWrong: boolean): string {
  const hidden = carried
    .filter((name) => query.has(name))
    .map((name) => `<input type="hidden" name="${name}" value="${escapeHtml(query.get(name)!)}">`)
    .join('')
  return page(
    'Allow access?',
    `<form method="post" action="/authorize">${hidden}<h1>Allow access?</h1>` +
      (isWrong ? '<p role="alert">Wrong name or password.</p>' : '') +
      `<label>Name<input name="username" value="${escapeHtml(prefilled.name)}"></label>` +
      `<label>Password<input name="password" type="password" value="${escapeHtml(prefilled.password)}"></label>` +
      '<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form>',
  )
}
