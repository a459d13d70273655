export { startMastodon } from './mastodon/index.ts'
export type * from './mastodon/index.ts'
export { createContent, createRandom, createSimulator, encodePicture, makePicture } from './kit/index.ts'
export type { Answer, Call, Counts, Fault, FaultHandle, FaultKind, LogEntry, RateLimit, Simulator, SimulatorOptions } from './kit/index.ts'
