import { intervalMs, learn, type Pace } from '../src/streams/pace.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const fixedMs = 15 * minute

interface Polled {
  requests: number
  items: number
  /** From when an item was published until it was found, mean over all items. */
  delayMs: number
}

/**
 * Connections from a hundred items a day to one in a hundred days, awake for 16 hours and now and then with several at once, looked at as often as they
 * have something new, and every 15 minutes. Each seed gives one and the same course of events.
 */
export function simulatePolling({ connections, days, seed }: { connections: number; days: number; seed: number }): {
  adaptive: Polled
  fixed: Polled
  lines: string[]
} {
  const random = seeded(seed)
  const runs = Array.from({ length: connections }, (_, index) => {
    const perDay = 10 ** (-2 + (4 * (index + 0.5)) / connections)
    const published = publish(perDay, days * day, random)
    const poll = (next: (pace: Pace) => number) => look(published, days * day, next, random)
    return {
      perDay,
      adaptive: poll((pace) => intervalMs(pace, { shortestMs: 5 * minute, fixedMs: null })),
      fixed: poll(() => fixedMs),
    }
  })
  const lines = [0.1, 1, 10, 100].map((below) => {
    const some = runs.filter(({ perDay }) => perDay < below && perDay >= below / 10)
    return lineOf(`${below / 10} to ${below} items a day`, some, days)
  })
  const [adaptive, fixed] = [sum(runs.map((run) => run.adaptive)), sum(runs.map((run) => run.fixed))]
  return { adaptive, fixed, lines: [...lines, lineOf('all', runs, days)] }
}

function lineOf(name: string, runs: readonly { adaptive: Polled; fixed: Polled }[], days: number): string {
  const words = (polled: Polled) =>
    `${(polled.requests / runs.length / days).toFixed(1)} requests a day each, found after ${(polled.delayMs / minute).toFixed(1)} min`
  return `${name}: ${words(sum(runs.map(({ adaptive }) => adaptive)))}; every 15 min: ${words(sum(runs.map(({ fixed }) => fixed)))}`
}

function publish(perDay: number, untilMs: number, random: () => number): number[] {
  const published: number[] = []
  const asleepFrom = random() * 24
  let now = 0
  for (;;) {
    // One in ten is a burst of 4 on average, and a third of the day is slept through.
    now += (-Math.log(1 - random()) * day) / ((perDay * 1.5) / 1.35)
    if (now > untilMs) return published
    const hours = (now / hour + asleepFrom) % 24
    if (hours < 8) continue
    const count = random() < 0.1 ? 1 + Math.floor(random() * 8) : 1
    for (let index = 0; index < count; index += 1) published.push(now)
  }
}

function look(published: readonly number[], untilMs: number, next: (pace: Pace) => number, random: () => number): Polled {
  let pace: Pace = { gapMs: null, silentMs: null }
  let now = random() * hour
  let [requests, items, delays] = [0, 0, 0]
  while (now < untilMs) {
    const before = items
    for (; items < published.length && published[items]! <= now; items += 1) delays += now - published[items]!
    requests += 1
    pace = learn(pace, items - before)
    const pauseMs = next(pace) * (0.9 + random() * 0.2)
    pace = { ...pace, silentMs: pace.silentMs! + pauseMs }
    now += pauseMs
  }
  return { requests, items, delayMs: items === 0 ? 0 : delays / items }
}

function sum(polled: readonly Polled[]): Polled {
  const requests = polled.reduce((all, one) => all + one.requests, 0)
  const items = polled.reduce((all, one) => all + one.items, 0)
  return { requests, items, delayMs: polled.reduce((all, one) => all + one.delayMs * one.items, 0) / items }
}

/** mulberry32: 0 to 1, the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
