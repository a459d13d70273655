export * from './accounts/index.ts'
export * from './conductor.ts'
export * from './create-client.ts'
export * from './platform.ts'
