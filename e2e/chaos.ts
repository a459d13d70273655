import { parseArgs } from 'node:util'
import { isMet, lower, tableOf, writeFigures, type Figure } from './figures.ts'
import { runKillScenario, type KillOutcome, type KillScenario } from './kill-scenario.ts'

// npm run chaos -- [SCENARIO …] --json FILE [--kills N] [--items N] [--seed N]: first syncs in which processes die or freeze at seeded
// moments; then files and index are compared with what the network has.

const scenarios: Record<string, Pick<KillScenario, 'among' | 'acts'>> = {
  /** The worker alone, again and again. */
  worker: { among: ['workers'] },
  /** Every service in turn, and Redis and Postgres once each. */
  any: {},
  /** The same, and some are frozen or held down for a while, past their leases; Redis may forget everything. */
  frozen: { acts: ['kill', 'freeze', 'stop', 'wipe'] },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    kills: { type: 'string', default: '10' },
    items: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
  },
})
process.exitCode = await main()

async function main(): Promise<number> {
  const unknown = positionals.filter((name) => !(name in scenarios))
  if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(', ')}; there are ${Object.keys(scenarios).join(', ')}`)
  const [items, kills] = [positive('items'), positive('kills')]
  const figures: Figure[] = []
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    const outcome = await run(name, { ...scenario, seed: values.seed, items, pictures: Math.ceil(items / 50), kills })
    if (outcome === null) {
      figures.push(lower(`chaos-${name}-not-done`, 1, 'syncs', 0))
      continue
    }
    console.log(`${name}: ${outcome.struck.map(({ act, name: struck, position }) => `${act} ${struck} at page ${position}`).join(', ')}`)
    for (const { kind, id, path, detail } of outcome.verdict.findings.slice(0, 20)) console.log(`${kind}: ${id ?? path ?? ''} ${detail}`)
    for (const crash of outcome.crashes) console.log(crash)
    figures.push(...figuresOf(`chaos-${name}`, outcome))
  }
  console.log(tableOf(figures))
  if (values.json !== undefined) await writeFigures(values.json, figures)
  const isHeld = figures.every(isMet)
  console.log(isHeld ? 'Nothing was lost, doubled or pulled again in vain.' : 'NOT as it has to be: see above.')
  return isHeld ? 0 : 1
}

/** null: it could not be carried out to its end; why is said. */
async function run(name: string, scenario: KillScenario): Promise<KillOutcome | null> {
  try {
    return await runKillScenario(scenario)
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    return null
  }
}

function figuresOf(name: string, { state, plan, struck, ms, pages, crashes, verdict }: KillOutcome): Figure[] {
  const { items, lost, doubled, differing } = verdict.counts
  return [
    lower(`${name}-not-done`, state === 'done' ? 0 : 1, 'syncs', 0),
    lower(`${name}-kills-missing`, plan.length - struck.length, 'kills', 0),
    lower(`${name}-lost`, lost, 'items', 0),
    lower(`${name}-doubled`, doubled, 'items', 0),
    lower(`${name}-differing`, differing, 'items', 0),
    lower(`${name}-findings`, verdict.findings.length, 'findings', 0),
    lower(`${name}-crashes`, crashes.length, 'crashes', 0),
    lower(`${name}-stored-again`, pages.stored - pages.needed, 'pages', 0),
    lower(`${name}-pulled-again-though-stored`, pages.needless, 'pages', 0),
    lower(`${name}-pulled-again-in-flight`, pages.pulled - pages.needed, 'pages'),
    lower(`${name}-items`, items, 'items'),
    lower(`${name}-wall`, ms.sync / 1000, 's'),
  ]
}

function positive(name: 'items' | 'kills'): number {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a number from 1 on`)
  return value
}
