import { parseArgs } from 'node:util'
import { serviceNames, type ServiceName } from '@asheville/core'
import { faultCount } from './check-copy.ts'
import { isMet, lower, tableOf, writeFigures, type Figure } from './figures.ts'
import { sceneOf, syncUnderKills, type KillPlan, type Outcome } from './sync-under-kills.ts'

// npm run chaos -- --json FILE [--kills N] [--items N] [--seed N]: two syncs, in one of which the worker is killed again and
// again, in the other one services drawn among all; then everything is compared with what the network has.

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    kills: { type: 'string', default: '10' },
    items: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
  },
})
process.exitCode = await main({ seed: values.seed, items: positive('items'), kills: positive('kills') })

async function main(wanted: Pick<KillPlan, 'seed' | 'items' | 'kills'>): Promise<number> {
  const plan = { ...wanted, pictures: Math.ceil(wanted.items / 50) }
  const figures = [...(await run('worker', ['workers'], plan)), ...(await run('any', serviceNames, plan))]
  console.log(tableOf(figures))
  if (values.json !== undefined) await writeFigures(values.json, figures)
  const isHeld = figures.every(isMet)
  console.log(isHeld ? 'Nothing was lost, doubled or pulled again in vain.' : 'NOT as it has to be: see above.')
  return isHeld ? 0 : 1
}

async function run(name: string, services: readonly ServiceName[], plan: Omit<KillPlan, 'services'>): Promise<Figure[]> {
  const scene = await sceneOf({ ...plan, services })
  try {
    const outcome = await syncUnderKills(scene, { ...plan, services })
    console.log(
      `${name}: ${outcome.kills.map(({ service, atPage, checkpointed }) => `${service} at page ${atPage} (${checkpointed ?? '?'} stored)`).join(', ')}`,
    )
    for (const [fault, list] of Object.entries(outcome.faults)) if (list.length > 0) console.log(`${fault}: ${list.slice(0, 5).join(' ')}`)
    return figuresOf(`chaos-${name}`, plan.kills, outcome)
  } finally {
    await scene.close()
  }
}

function figuresOf(name: string, wanted: number, { state, ms, kills, pages, faults }: Outcome): Figure[] {
  const { lost, doubled, unreadable, mediaLost } = faults
  const counts = { lost, doubled, unreadable, 'media-lost': mediaLost }
  return [
    lower(`${name}-not-done`, state === 'done' ? 0 : 1, 'syncs', 0),
    lower(`${name}-kills-missing`, wanted - kills.length, 'kills', 0),
    ...Object.entries(counts).map(([fault, list]) => lower(`${name}-${fault}`, list.length, 'items', 0)),
    lower(`${name}-faults`, faultCount(faults), 'faults', 0),
    lower(`${name}-stored-again`, pages.stored - pages.needed, 'pages', 0),
    lower(`${name}-pulled-again-though-stored`, pages.needless, 'pages', 0),
    lower(`${name}-pulled-again-in-flight`, pages.pulled - pages.needed, 'pages'),
    lower(`${name}-wall`, ms / 1000, 's'),
  ]
}

function positive(name: 'items' | 'kills'): number {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a number from 1 on`)
  return value
}
