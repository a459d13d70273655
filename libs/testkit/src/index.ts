export { serviceKeys, type ServiceKeys } from './service-keys.ts'
export { testDatabase } from './test-database.ts'
export { testRedis } from './test-redis.ts'
export { bytesOf, describeStorage, uploadOf, type StorageUnderTest } from './storage-conformance.ts'
