import { describe, expect, test } from '@jest/globals'
import { planOf, type PlanOptions } from './plan.ts'

const services = ['web', 'accounts', 'conductor', 'workers', 'platform']
const options: PlanOptions = { kills: 20, over: 250, among: services, once: ['redis', 'postgres'] }

const times = (names: readonly string[]): Record<string, number> =>
  names.reduce<Record<string, number>>((sum, name) => ({ ...sum, [name]: (sum[name] ?? 0) + 1 }), {})

describe('planOf', () => {
  test('is the same for the same seed, another for another', () => {
    expect(planOf('a', options)).toEqual(planOf('a', options))
    expect(planOf('a', options)).not.toEqual(planOf('b', options))
    expect(JSON.stringify(planOf(7, options))).toBe(JSON.stringify(planOf(7, options)))
  })

  test('strikes everybody evenly, those of `once` once, in order, within the run', () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const plan = planOf(seed, options)
      expect(plan).toHaveLength(20)
      const { redis, postgres, ...rest } = times(plan.map(({ name }) => name))
      expect({ redis, postgres }).toEqual({ redis: 1, postgres: 1 })
      expect(Object.keys(rest).sort()).toEqual([...services].sort())
      for (const count of Object.values(rest)) expect(count === 3 || count === 4).toBe(true)
      plan.forEach(({ at }, index) => {
        expect(at).toBeGreaterThanOrEqual(Math.floor((index * 250) / 20))
        expect(at).toBeLessThan(((index + 1) * 250) / 20)
      })
    }
  })

  test('draws among the acts; only Redis is wiped, only what lasts has a length', () => {
    const plan = planOf('acts', {
      ...options,
      kills: 200,
      acts: ['kill', 'freeze', 'stop', 'wipe'],
      once: [],
      among: [...services, 'redis'],
      forMs: [5, 9],
    })
    expect(Object.keys(times(plan.map(({ act }) => act))).sort()).toEqual(['freeze', 'kill', 'stop', 'wipe'])
    expect(plan.filter(({ act, name }) => act === 'wipe' && name !== 'redis')).toEqual([])
    for (const { act, forMs } of plan) {
      if (act === 'kill' || act === 'wipe') expect(forMs).toBe(0)
      else expect(forMs >= 5 && forMs <= 9).toBe(true)
    }
  })

  test('refuses what cannot be done', () => {
    expect(() => planOf(1, { ...options, kills: 1 })).toThrow('only 1 kills')
    expect(() => planOf(1, { ...options, among: [] })).toThrow('nobody')
  })
})
