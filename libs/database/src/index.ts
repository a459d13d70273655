export { createDatabase, quoteIdentifier, type Database, type DatabaseOptions, type SqlValue } from './database.ts'
export { isUniqueViolation } from './errors.ts'
export { migrate, type MigrateOptions } from './migrate.ts'
