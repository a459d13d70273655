import { describe, expect, test } from '@jest/globals'
import { AshevilleError, type Login } from '@asheville/core'
import { chooseLogin } from './choose-login.ts'

const login = (...names: string[]): Login => ({
  kind: 'fields',
  fields: names.map((name) => ({ name, label: name, kind: name === 'password' ? 'password' : 'text' })),
  signIn: () => Promise.resolve({ tokens: null, server: null, fields: {} }),
})

const faultsOf = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    if (error instanceof AshevilleError) return error.faults
    throw error
  }
  return undefined
}

describe('chooseLogin', () => {
  test('takes the login that has the fields; trims all but passwords', () => {
    const logins = [login('server'), login('handle', 'password')]
    const chosen = chooseLogin('X', logins, { handle: ' me ', password: ' secret ' })
    expect(chosen.login).toBe(logins[1])
    expect(chosen.fields).toEqual({ handle: 'me', password: ' secret ' })
    expect(chooseLogin('X', logins, { server: 'example.social' }).login).toBe(logins[0])
  })

  test('names every empty and unknown field', () => {
    expect(faultsOf(() => chooseLogin('X', [login('handle', 'password')], { handle: ' ' }))?.map(({ pointer }) => pointer)).toEqual([
      '/handle',
      '/password',
    ])
    expect(faultsOf(() => chooseLogin('X', [login('handle')], { handle: 'me', other: '1' }))?.[0]?.pointer).toBe('/other')
    expect(faultsOf(() => chooseLogin('X', [login('toString')], {}))?.[0]?.pointer).toBe('/toString')
    expect(() => chooseLogin('X', [], {})).toThrow('cannot be connected')
  })

  test('an empty field takes its default', () => {
    const fields = [{ name: 'server', label: 'Server', kind: 'url', default: 'https://bsky.social' }] as const
    expect(chooseLogin('X', [{ ...login(), fields } as Login], { server: '' }).fields).toEqual({ server: 'https://bsky.social' })
  })
  test('an optional field may stay empty', () => {
    const fields = [{ name: 'server', label: 'Server', kind: 'url', optional: true }] as const
    expect(chooseLogin('X', [{ ...login(), fields } as Login], { server: ' ' }).fields).toEqual({ server: '' })
  })
})
