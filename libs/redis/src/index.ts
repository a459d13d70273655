export { connectPatiently, connectRedis, disconnect, isReadyWithin, type Redis, type RedisOptions } from './connect-redis.ts'
