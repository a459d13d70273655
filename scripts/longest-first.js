import { createRequire } from 'node:module'

// Jest hands out its default as CommonJS.
const { default: Sequencer } = createRequire(import.meta.url)('@jest/test-sequencer')

/** On a machine that has not run the tests before nothing is known of them: those of the whole take longest, and go first. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const isWhole = ({ path }) => path.includes('/e2e/')
    const sorted = super.sort(tests)
    return [...sorted.filter(isWhole), ...sorted.filter((test) => !isWhole(test))]
  }
}
