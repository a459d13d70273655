export { connectPatiently, connectRedis, disconnect, isReadyWithin, type Redis, type RedisOptions } from './connect-redis.ts'
export { isRedisUrl, redisAddresses, type RedisAddress } from './redis-addresses.ts'
export { nodesOf, onLoss, scanKeys } from './redis-nodes.ts'
export { countRequest, keepChecked, noteRevoked, readChecked, type CountedRequest } from './checked-tokens.ts'
