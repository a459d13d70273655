export * from './accounts.ts'
export * from './conductor.ts'
export * from './create-client.ts'
export * from './platform.ts'
