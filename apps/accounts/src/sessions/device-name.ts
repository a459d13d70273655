import Bowser from 'bowser'

/** What a person would call what they sign in with; null: it does not say. */
export interface DeviceName {
  /** The browser, or an app by the name that it gives itself. */
  browser: string | null
  system: string | null
  kind: 'desktop' | 'mobile' | 'tablet' | 'other'
}

const kinds = ['desktop', 'mobile', 'tablet'] as const

/** Reads a User-Agent header; anybody may write anything there. */
export function deviceName(userAgent: string): DeviceName {
  if (userAgent === '') return { browser: null, system: null, kind: 'other' }
  const { browser, os, platform } = Bowser.parse(userAgent)
  return {
    browser: browser.name || (/^([\w .-]{1,40})(\/|$)/.exec(userAgent)?.[1]?.trim() ?? null),
    system: os.name || null,
    kind: kinds.find((kind) => kind === platform.type) ?? 'other',
  }
}
