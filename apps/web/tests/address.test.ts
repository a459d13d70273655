import { expect, test } from '@jest/globals'
import { accountsOf, ann } from './scripted-services.ts'
import { startSite } from './start-site.ts'
import { createVisitor } from './visitor.ts'

test('a visitor’s address is what the trusted proxies say, and never what a visitor says', async () => {
  const script = { accounts: accountsOf(ann, 'a-session-token-of-forty-characters-here', []), conductor: {}, platform: {} }
  const seen: string[] = []
  script.accounts.requestPasswordReset = async ({ body }) => void seen.push(body.address)
  const site = await startSite(script, [], { trustedProxies: ['198.51.100.0/24'] })
  try {
    const visitor = createVisitor(site.url)
    const ask = (forwarded: string) =>
      visitor.submit('/forgot-password', '/forgot-password', { email: 'ann@example.com' }, { 'x-forwarded-for': forwarded })
    script.accounts.getSetup = async () => ({ hasOwner: true, signUpOpen: false, sendsMail: true })
    // This test is on this machine, as a proxy would be.
    for (const forwarded of ['203.0.113.9', '192.0.2.1, 203.0.113.9', '192.0.2.1, 203.0.113.9, 198.51.100.7', 'nonsense', '2001:db8::5'])
      expect((await ask(forwarded)).status).toBe(303)
    expect(seen).toEqual(['203.0.113.9', '203.0.113.9', '203.0.113.9', expect.stringMatching(/127\.0\.0\.1$/), '2001:db8::5'])
  } finally {
    await site.close()
  }
})
