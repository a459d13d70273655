import { expect, jest } from '@jest/globals'
import { join, relative } from 'node:path'

// Where whole services run by the clock, a machine that stands still for a while lets leases and deadlines lapse: what fails there is tried once
// more. That is told when it happens and at the end; a fault comes again.
const path = relative(join(import.meta.dirname, '..'), expect.getState().testPath ?? '')
if (/^(e2e|scripts|apps\/\w+\/tests|libs\/jobs)\//.test(path)) jest.retryTimes(1, { retryImmediately: true, logErrorsBeforeRetry: true })
