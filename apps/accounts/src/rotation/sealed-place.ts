import type { Binding } from '../sealing.ts'

/** Where sealed values lie: a column, beside a `key_id`. Names here are ours, never a caller's. */
export interface SealedPlace {
  readonly table: string
  readonly column: string
  /** What a row's binding is made of, as SQL on the table `t`. */
  readonly columns: string
  /** Another table that some of it comes from. */
  readonly join: string
  bindingOf(row: object): Binding
}

/** @param columns the properties of `Row`, as SQL on the table `t` and whatever is joined */
export function sealedPlace<Row extends object>(
  table: string,
  column: string,
  columns: string,
  bindingOf: (row: Row) => Binding,
  join = '',
): SealedPlace {
  return { table, column, columns, join, bindingOf: (row) => bindingOf(row as Row) }
}
