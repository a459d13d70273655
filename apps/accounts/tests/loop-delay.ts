import { monitorEventLoopDelay } from 'node:perf_hooks'

// Loaded in front of a program (`--import`): answers the message `delay` with how late that process's event loop was since it
// was last asked, in milliseconds. By itself it is a process that does nothing, to compare with.

const histogram = monitorEventLoopDelay({ resolution: 10 })
histogram.enable()
process.on('message', (message) => {
  if (message !== 'delay') return
  const ms = (nanoseconds: number) => Math.round(nanoseconds / 1e5) / 10
  process.send?.({ p50: ms(histogram.percentile(50)), p99: ms(histogram.percentile(99)), max: ms(histogram.max) })
  histogram.reset()
})
