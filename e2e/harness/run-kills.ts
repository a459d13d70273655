import { parseArgs } from 'node:util'
import { processCounts } from '@asheville/scripts'
import { runKillScenario } from './kill-scenario.ts'

// node e2e/harness/run-kills.ts [--items 10000] [--kills 20] [--seed 1] [--acts kill,freeze] [--processes workers:2]
// [--among workers,workers-2] [--for 1000,4000]: one first
// sync under kills of any process; its outcome as JSON on standard output, the blows as they fall on standard error.

const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '10000' },
    pictures: { type: 'string' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    acts: { type: 'string', default: 'kill' },
    processes: { type: 'string', default: '' },
    among: { type: 'string' },
    for: { type: 'string', default: '1000,4000' },
    latency: { type: 'string', default: '100' },
  },
})
const items = Number(values.items)
const known = ['kill', 'freeze', 'stop', 'wipe'] as const
const acts = known.filter((act) => values.acts.split(',').includes(act))
const [shortest = 0, longest = shortest] = values.for.split(',').map(Number)
const outcome = await runKillScenario({
  seed: values.seed,
  items,
  pictures: Number(values.pictures ?? Math.ceil(items / 50)),
  kills: Number(values.kills),
  acts,
  forMs: [shortest, longest],
  ...(values.among !== undefined && { among: values.among.split(',') }),
  processes: processCounts(values.processes),
  latencyMs: Number(values.latency),
  onStruck: ({ act, name, position, forMs }) =>
    process.stderr.write(`${act} ${name} at page ${position}${forMs > 0 ? ` for ${forMs} ms` : ''}\n`),
})
const { findings, ...verdict } = outcome.verdict
process.stdout.write(`${JSON.stringify({ ...outcome, verdict: { ...verdict, findings: findings.slice(0, 50) } }, null, 2)}\n`)
process.exitCode = outcome.ok ? 0 : 1
